"""What a list says of each run, remembered for as long as the run's files stay as they are."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vit import paths, processes
from vit.errors import RunError
from vit.runs.about import About, read_about
from vit.runs.directory import Run, parse_lines, read_json
from vit.runs.fork import read_fork
from vit.runs.metrics import is_number
from vit.runs.plan import read_plan
from vit.runs.queue import waiting
from vit.runs.status import RunState, state_of

DECISIVE = (b'"val_accuracy"', b'"resumed_at"')  # one of them is in each of the few lines that make the curve


@dataclass(frozen=True)
class Summary:
    """One run in a list.

    Attributes:
        accuracies: Validation accuracies so far, in the order of their steps.
        device: What it was planned for, as a person knows it; empty before.
        parent: The run that this one goes on from, or whose weights it began with; empty if there is none.
        fork_step: The step of the parent that it goes on from; None if it only took its weights.
    """

    state: RunState
    accuracies: tuple[float, ...] = field(repr=False)
    device: str
    parent: str
    fork_step: int | None
    about: About

    @property
    def id(self) -> str:
        return self.state.id

    @property
    def test_accuracy(self) -> float | None:
        return self.state.status.test.accuracy if self.state.status.test else None

    def matches(self, words: str) -> bool:
        """Whether each of the words stands somewhere: in name, data, preset, device, parent, note or tags."""
        launch, about = self.state.launch, self.about
        places = (self.id, launch.data, launch.preset, self.device, self.parent, about.note, *about.tags)
        everything = "\n".join(places).casefold()
        return all(word in everything for word in words.casefold().split())


class Summaries:
    """Reads the summaries of all runs; each is read anew only when its files have changed. Threads may share one."""

    def __init__(self):
        self._known: dict[Path, tuple[tuple, Summary]] = {}
        self._lock = threading.Lock()

    def read(self) -> list[Summary]:
        """Every run, newest first."""
        root, queued = paths.runs_root(), set(waiting())
        folders = [path for path in root.iterdir() if paths.NAME.fullmatch(path.name)] if root.is_dir() else []
        with self._lock:
            found = {path: self._summary(Run(path), queued) for path in folders}
            self._known = {path: pair for path, pair in found.items() if pair}
            summaries = [summary for _, summary in self._known.values()]
        return sorted(summaries, key=lambda summary: summary.state.launch.launched, reverse=True)

    def _summary(self, run: Run, queued: set[str]) -> tuple[tuple, Summary] | None:
        """What is remembered if nothing has changed; None if the folder is no run, or gone."""
        try:
            if not run.config_path.is_file():
                return None
            with os.scandir(run.path) as entries:
                key = (run.id in queued, {entry.name: _stamp(entry) for entry in entries})
            old = self._known.get(run.path)
            # A run that lives is judged anew each time: its lock and the clock change what it is, not only its files.
            is_settled = old and old[0] == key and not old[1].state.is_alive and not processes.is_held(run.lock_path)
            return old if is_settled else (key, summarize(run, queued))
        except FileNotFoundError:  # deleted or renamed a moment ago
            return None


def _stamp(entry: os.DirEntry) -> tuple[int, int]:
    """What changes when a file does."""
    stat = entry.stat(follow_symlinks=False)
    return stat.st_mtime_ns, stat.st_size


def summarize(run: Run, queued: set[str] | None = None) -> Summary:
    """Read what a list says of a run; ``queued`` are the names of those that wait, where they are known already."""
    parent, step = _parent(run)
    return Summary(state_of(run, queued), tuple(accuracies(run)), _device(run), parent, step, read_about(run))


def _parent(run: Run) -> tuple[str, int | None]:
    if fork := read_fork(run):
        return (fork.parent, fork.step) if paths.NAME.fullmatch(fork.parent) else ("", None)
    init = (read_json(run.config_path) or {}).get("init")
    name = str(init.get("checkpoint") or "").partition("@")[0] if isinstance(init, dict) else ""
    return (name if paths.NAME.fullmatch(name) else ""), None


def _device(run: Run) -> str:
    try:
        plan = read_plan(run)
    except RunError:  # its own page says so
        return ""
    return plan.device_name if plan else ""


def accuracies(run: Run) -> list[float]:
    """A run's validation accuracies. Only the lines that hold one are parsed, because there are many others.

    A resumed run repeats the steps after its checkpoint; the older values for those steps are dropped.
    """
    kept: list[tuple[float, float]] = []
    for row in parse_lines(_decisive_lines(run)):
        resumed_at, step, accuracy = (_number(row, name) for name in ("resumed_at", "step", "val_accuracy"))
        last = step if resumed_at is None else resumed_at
        if last is None:
            continue
        while kept and kept[-1][0] > last:
            kept.pop()
        if resumed_at is None and accuracy is not None:
            kept.append((last, accuracy))
    return [value for _, value in kept]


def _number(row: dict, name: str) -> float | None:
    """What the row says if it is a number that can be computed with."""
    value = row.get(name)
    return value if is_number(name, value) else None


def _decisive_lines(run: Run) -> bytes:
    try:
        content = run.metrics_path.read_bytes()
    except OSError:
        return b""
    content = content[: content.rfind(b"\n") + 1]  # the last line may still be being written
    places = sorted(place for word in DECISIVE for place in _places(content, word))
    starts = dict.fromkeys(content.rfind(b"\n", 0, place) + 1 for place in places)
    return b"\n".join(content[start : content.index(b"\n", start)] for start in starts)


def _places(content: bytes, word: bytes) -> Iterator[int]:
    """Where a word stands; much faster than looking at every line."""
    place = content.find(word)
    while place >= 0:
        yield place
        place = content.find(word, place + 1)
