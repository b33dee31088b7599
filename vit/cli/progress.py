"""Progress bars on stderr: redrawn in place on a terminal, every ten seconds in a log file, none when quiet."""

import sys

from tqdm import tqdm

from vit.text import printable

TTY_SECONDS, LOG_SECONDS = 0.1, 10.0  # between two drawings


class Progress:
    """A context manager that is called with (done, total, message), the protocol of everything that takes long.

    Args:
        title: What is being done.
        unit: What is counted, in the plural; "B" is shown as MB and MB/s.
        quiet: Draw nothing.
    """

    def __init__(self, title: str, unit: str = "", quiet: bool = False):
        self._title, self._unit, self._quiet = title, unit, quiet
        self._bar: tqdm | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        """Leave the last state standing."""
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Show that ``done`` of ``total`` is reached; a total of 0 means that it isn't known."""
        if self._bar is None:
            self._bar = tqdm(
                desc=self._title,
                initial=done,  # so that its rate is of what is done from now on
                unit=self._unit if self._unit == "B" else f" {self._unit}",
                unit_scale=self._unit == "B",
                mininterval=TTY_SECONDS if sys.stderr.isatty() else LOG_SECONDS,
                miniters=1,
                disable=self._quiet,
                file=sys.stderr,
            )
        elif done < self._bar.n:
            self._bar.reset()
        self._bar.total = total or None
        self._bar.set_postfix_str(printable(message), refresh=False)
        self._bar.update(done - self._bar.n)

    def note(self, text: str) -> None:
        """Print a line that stays, above the bar."""
        if not self._quiet:
            tqdm.write(printable(text), file=sys.stderr)
