"""A progress line on stderr: rewritten in place on a terminal, a few lines in a log file, nothing when quiet."""

import sys
import time

TTY_SECONDS = 0.1  # between two drawings
LOG_SECONDS = 10.0
BAR = 24  # characters


class Progress:
    """A context manager that is called with (done, total, message), the protocol of everything that takes long.

    Args:
        title: What is being done.
        unit: What is counted; "B" is shown as MB and MB/s.
        quiet: Draw nothing.
    """

    def __init__(self, title: str, unit: str = "", quiet: bool = False):
        self._title, self._unit, self._quiet = title, unit, quiet
        self._is_tty = sys.stderr.isatty()
        self._drawn = self._last = ""
        self._drawn_at = 0.0
        self._first: tuple[float, int] | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        """Leave the last state standing."""
        if self._last and self._last != self._drawn:
            self._draw(self._last)
        if self._is_tty and self._drawn:
            print(file=sys.stderr)

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Show that ``done`` of ``total`` is reached; a total of 0 means that nobody knows."""
        now = time.monotonic()
        if self._first is None or done < self._first[1]:
            self._first = now, done
        self._last = self._line(done, total, message, now)
        if now - self._drawn_at >= (TTY_SECONDS if self._is_tty else LOG_SECONDS):
            self._draw(self._last)
            self._drawn_at = now

    def note(self, text: str) -> None:
        """Print a line that stays, above the progress."""
        if self._quiet:
            return
        print(f"\r\x1b[K{text}" if self._is_tty else text, file=sys.stderr, flush=True)
        self._drawn = ""

    def _draw(self, line: str) -> None:
        if self._quiet:
            return
        self._drawn = line
        print(
            f"\r\x1b[K{line}" if self._is_tty else line, end="" if self._is_tty else "\n", file=sys.stderr, flush=True
        )

    def _line(self, done: int, total: int, message: str, now: float) -> str:
        parts = [self._title]
        if total:
            filled = int(BAR * done / total)
            parts += [f"[{'=' * filled}{' ' * (BAR - filled)}]", f"{done / total:4.0%}"]
        parts.append(f"{self._amount(done)}{f' of {self._amount(total)}' if total else ''} {self._words()}".strip())
        parts += [self._pace(done, total, now), message]
        return "  ".join(part for part in parts if part)

    def _pace(self, done: int, total: int, now: float) -> str:
        """Rate and time left, once there is something to judge by."""
        started, first = self._first
        seconds, advanced = now - started, done - first
        if seconds < 1 or advanced <= 0:
            return ""
        rate = advanced / seconds
        left = f", {clock((total - done) / rate)} left" if total > done else ""
        return f"{self._amount(rate)} {self._words()}/s{left}"

    def _amount(self, value: float) -> str:
        if self._unit == "B":
            return f"{value / 1e6:,.1f}"
        return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"

    def _words(self) -> str:
        return "MB" if self._unit == "B" else self._unit


def clock(seconds: float) -> str:
    """``1:05`` or ``2:03:20``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
