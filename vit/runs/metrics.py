"""Reading a run's curves while they grow, without reading anything twice."""

import csv
import io
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from vit.runs.directory import Run, parse_lines
from vit.runs.reduce import Reducer

LARGEST = 1e300  # what counts as a number: neither infinite nor an integer that no float can hold
PIECE = 4_000_000  # bytes that are parsed at once, so that opening a long run needs little memory
MOST_COLUMNS = 300  # a damaged file must not fill the memory with columns; what comes later is left out
COUNTS = ("v", "step", "images", "attempt", "resumed_at")  # whole numbers
MOST = 2**53  # beyond it a float is no longer every whole number


class Rows(Sequence[dict]):
    """Rows of metrics, each a dictionary, kept as columns: a hundred thousand of them take few megabytes.

    Args:
        columns: float64 (n,) by name, NaN where a row lacks the metric; "step" is always there.
    """

    def __init__(self, columns: dict[str, np.ndarray]):
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns["step"])

    @overload
    def __getitem__(self, index: int) -> dict: ...

    @overload
    def __getitem__(self, index: slice) -> "Rows": ...

    def __getitem__(self, index):
        if isinstance(index, slice):
            return Rows({name: column[index] for name, column in self._columns.items()})
        return _row({name: float(column[index]) for name, column in self._columns.items()})

    def __iter__(self) -> Iterator[dict]:
        lists = (column.tolist() for column in self._columns.values())
        for values in zip(*lists, strict=True):
            yield _row(dict(zip(self._columns, values, strict=True)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def column(self, name: str) -> np.ndarray:
        """A metric of every row, (n,); NaN where a row lacks it."""
        found = self._columns.get(name)
        return np.broadcast_to(np.nan, len(self)) if found is None else found

    def points(self, metric: str, x: str) -> tuple[list, list]:
        """All points of one metric: (x values, y values)."""
        places, values = self.column(x), self.column(metric)
        is_there = ~np.isnan(places) & ~np.isnan(values)
        kinds = [int if name in COUNTS else float for name in (x, metric)]
        return places[is_there].astype(kinds[0]).tolist(), values[is_there].astype(kinds[1]).tolist()

    def to_csv(self) -> str:
        """All rows as a table with one column per metric."""
        out = io.StringIO()
        writer = csv.DictWriter(out, [name for name in self._columns if name != "v"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self)
        return out.getvalue()


def _row(values: dict[str, float]) -> dict:
    found = {name: value for name, value in values.items() if value == value}  # which NaN does not
    return found | {name: int(found[name]) for name in COUNTS if name in found}


@dataclass(frozen=True)
class Curve:
    """A metric over a run, reduced to what a screen can show.

    Attributes:
        x: Places of the points, (p,).
        y: Their values: both ends of the curve, and the lowest and highest of about 300 equal stretches.
        mean_x: Where the stretches end, (b,).
        means: The mean of each stretch.
    """

    x: np.ndarray
    y: np.ndarray
    mean_x: np.ndarray
    means: np.ndarray


class MetricsTail:
    """Follows ``metrics.jsonl``: each call of ``read`` parses only what was appended since the last.

    Several threads may share one.
    """

    def __init__(self, run: Run):
        self.run = run
        self._offset, self._file = 0, None  # how far it has read, and which file
        self._lock = threading.Lock()
        self._clear()

    def read(self) -> Rows:
        """All valid rows so far, in the order of their steps.

        A resumed run repeats the steps after its checkpoint; the older lines for those steps are dropped.
        """
        with self._lock:
            for piece in self._appended():
                self._take(parse_lines(piece))
            return Rows({name: self._column(name) for name in self._buffers})

    def curve(self, metric: str, x: str = "step") -> Curve:
        """A metric of the rows read so far; what it costs depends on what is new, not on the length of the run."""
        with self._lock:
            values, places = self._column(metric), self._column(x)
            reducer = self._reduced(metric)
            points, ends = reducer.points(), reducer.buckets["last"]
            points, is_placed = points[~np.isnan(places[points])], ~np.isnan(places[ends])
            return Curve(places[points], values[points], places[ends][is_placed], reducer.means()[is_placed])

    def latest(self, metric: str, count: int = 1) -> list[float]:
        """The last values of a metric among the rows read so far, the newest last; fewer if there are fewer."""
        with self._lock:
            first = self._reduced(metric).buckets["first"][-count - 1 :]
            values = self._column(metric)[first[0] if len(first) else self._count :]
            return values[~np.isnan(values)][-count:].tolist()

    def _reduced(self, metric: str) -> Reducer:
        reducer = self._reducers.setdefault(metric, Reducer())
        reducer.update(self._column(metric))
        return reducer

    def _column(self, name: str) -> np.ndarray:
        buffer = self._buffers.get(name)
        return np.broadcast_to(np.nan, self._count) if buffer is None else buffer[: self._count]

    def _appended(self) -> Iterator[bytes]:
        """The lines that were completed since the last call, in pieces; all of them if the file is another one now."""
        try:
            with open(self.run.metrics_path, "rb") as file:
                stat = os.fstat(file.fileno())
                if self._file != stat.st_ino or stat.st_size < self._offset:
                    self._offset, self._file = 0, stat.st_ino
                    self._clear()
                file.seek(self._offset)
                while lines := file.readlines(PIECE):
                    complete = b"".join(lines if lines[-1].endswith(b"\n") else lines[:-1])  # it may still be written
                    self._offset += len(complete)
                    yield complete
        except OSError:
            return

    def _clear(self) -> None:
        self._buffers: dict[str, np.ndarray] = {"step": np.empty(0)}  # each at least as long as there are rows
        self._count = 0  # of rows
        self._reducers: dict[str, Reducer] = {}

    def _take(self, lines: list[dict]) -> None:
        batch: list[dict] = []
        for line in lines:
            row = {name: float(value) for name, value in line.items() if is_number(name, value)}
            goes_back = "step" in row and batch and row["step"] < batch[-1]["step"]
            if batch and (goes_back or "resumed_at" in row):
                self._append(batch)
                batch = []
            if "resumed_at" in row:
                self._drop_after(row["resumed_at"])
            elif "step" in row:
                batch.append(row)
        if batch:
            self._append(batch)

    def _append(self, rows: list[dict]) -> None:
        """Add rows whose steps ascend; one whose step is already past tells of a resume whose line was lost."""
        self._drop_after(rows[0]["step"])
        end = self._count + len(rows)
        self._reserve([name for row in rows for name in row], end)
        for name, buffer in self._buffers.items():
            buffer[self._count : end] = [row.get(name, np.nan) for row in rows]
        self._count = end

    def _reserve(self, names: list[str], count: int) -> None:
        """Make room for so many rows; buffers double, so that a row is moved once or twice in its life."""
        for name in list(dict.fromkeys([*self._buffers, *names]))[:MOST_COLUMNS]:
            old = self._buffers.get(name, np.empty(0))
            if len(old) < count:
                self._buffers[name] = np.full(max(count, 2 * len(old)), np.nan)
                self._buffers[name][: len(old)] = old

    def _drop_after(self, step: float) -> None:
        kept = int(np.searchsorted(self._column("step"), step, side="right"))
        if kept < self._count:
            self._count = kept
            for reducer in self._reducers.values():
                reducer.keep(kept)


def is_number(name: str, value: object) -> bool:
    """Whether a line's value of this name can be computed with."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    largest = MOST if name in COUNTS else LARGEST
    return -largest <= value <= largest  # which NaN is not


def read_metrics(run: Run) -> Rows:
    """A run's valid rows, read once."""
    return MetricsTail(run).read()


def curve(rows: Sequence[dict], metric: str, x: str = "step") -> tuple[list, list]:
    """All points of one metric: (x values, y values)."""
    if isinstance(rows, Rows):
        return rows.points(metric, x)
    points = [(row[x], row[metric]) for row in rows if row.get(metric) is not None and row.get(x) is not None]
    return [point[0] for point in points], [point[1] for point in points]
