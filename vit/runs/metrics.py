"""Reading a run's curves while they grow, without reading anything twice."""

import os
import threading

from vit.runs.directory import Run, parse_lines

LARGEST = 1e300  # what counts as a number: neither infinite nor an integer that no float can hold


class MetricsTail:
    """Follows ``metrics.jsonl``: each call of ``read`` parses only what was appended since the last.

    Several threads may share one.
    """

    def __init__(self, run: Run):
        self.run = run
        self.rows: list[dict] = []
        self._offset, self._file = 0, None  # how far it has read, and which file
        self._lock = threading.Lock()

    def read(self) -> list[dict]:
        """All valid rows so far, in the order of their steps.

        A resumed run repeats the steps after its checkpoint; the older lines for those steps are dropped.
        """
        with self._lock:
            for row in parse_lines(self._appended()):
                self._take({name: value for name, value in row.items() if _is_number(value)})
            return self.rows

    def _appended(self) -> bytes:
        """The lines that were completed since the last call; all of them if the file is another one now."""
        try:
            with open(self.run.metrics_path, "rb") as file:
                stat = os.fstat(file.fileno())
                if self._file != stat.st_ino or stat.st_size < self._offset:
                    self.rows, self._offset, self._file = [], 0, stat.st_ino
                file.seek(self._offset)
                content = file.read()
        except OSError:
            return b""
        complete = content[: content.rfind(b"\n") + 1]  # the last line may still be being written
        self._offset += len(complete)
        return complete

    def _take(self, row: dict) -> None:
        if "resumed_at" in row:
            self.rows = [old for old in self.rows if old["step"] <= row["resumed_at"]]
        elif "step" in row:
            while self.rows and self.rows[-1]["step"] > row["step"]:  # the line that tells of a resume was lost
                self.rows.pop()
            self.rows.append(row)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -LARGEST <= value <= LARGEST  # which NaN is not


def read_metrics(run: Run) -> list[dict]:
    """A run's valid rows, read once."""
    return MetricsTail(run).read()


def curve(rows: list[dict], metric: str, x: str = "step") -> tuple[list, list]:
    """The points of one metric: (x values, y values)."""
    points = [(row[x], row[metric]) for row in rows if row.get(metric) is not None and row.get(x) is not None]
    return [point[0] for point in points], [point[1] for point in points]
