"""Training for an answer: all runs of a question in this process, on the ordinary training code.

Starting a process per run would take longer than most of these runs. Nothing but the accuracy is kept of them; what is
worth keeping is trained as a run. ``python -m vit.sweeps.asking ID`` does it as a background job.
"""

import sys
import time
from contextlib import contextmanager

from filelock import FileLock, Timeout

from vit import files, jobs, paths, processes
from vit.config import RunConfig
from vit.data.load import Dataset, load
from vit.errors import SweepError
from vit.jobs import Progress
from vit.runs.changes import Course
from vit.sweeps import questions
from vit.sweeps.questions import Asked, Pair
from vit.training.batches import RunData, prepare
from vit.training.device import setup
from vit.training.initialization import whiten
from vit.training.loop import fit
from vit.training.planning import make_plan
from vit.training.recorder import NullRecorder
from vit.training.state import new_state


class _Silent(NullRecorder):
    """Records nothing, and belongs to no run."""

    def __init__(self):
        self.stop_asked = False

    def save_is_due(self) -> bool:
        return False


def train(config: RunConfig, data: RunData, precision: str) -> float:
    """One run from its first step to its last: the val accuracy that it ends with, 0..1."""
    recorder, device = _Silent(), data.mean.device
    plan = make_plan(config, data, device, precision, recorder)
    state = new_state(config, device)
    if config.train.whiten:
        whiten(state.network, data)
    if state.ema is not None:
        state.ema = {name: tensor.clone() for name, tensor in state.network.state_dict().items()}
    fit(state, data, Course(None, config, plan), recorder)
    return state.val["val_accuracy"]


def answer(asked: Asked, progress: Progress) -> str:
    """Train both arms with every missing seed; each pair is on disk as soon as it is known.

    Returns:
        The verdict's sentence.

    Raises:
        SweepError: If another process answers the same question, or the data have changed since it was asked.
    """
    with _alone(asked):
        loaded: dict[int, Dataset] = {}  # by image size
        for seed in asked.missing():
            progress(asked.seeds - len(asked.missing()), asked.seeds, f"seed {seed}")
            with FileLock(paths.machine_lock()):  # one run computes at a time; others get turns between
                pair = _pair(asked, seed, loaded)
            files.append_line(questions.lines_path(asked.id), pair.model_dump())
    verdict = asked.verdict()
    return verdict.sentence if verdict else "too few seeds for a verdict"


def _pair(asked: Asked, seed: int, loaded: dict[int, Dataset]) -> Pair:
    configs = asked.configs(seed)
    for size in {config.model.image_size for config in configs} - loaded.keys():
        loaded[size] = _load(asked, size)
    prepared: dict[str, RunData] = {}  # by all that it depends on, because it takes as long as many steps
    started = time.perf_counter()
    first, second = (_trained(config, loaded[config.model.image_size], prepared) for config in configs)
    return Pair(seed=seed, first=first, second=second, seconds=time.perf_counter() - started)


def _load(asked: Asked, image_size: int) -> Dataset:
    dataset = load(asked.data, image_size)
    if asked.fingerprint and dataset.fingerprint != asked.fingerprint:
        raise SweepError(f"the data set {dataset.name!r} has changed since this was asked; ask again")
    return dataset


def _trained(config: RunConfig, dataset: Dataset, prepared: dict[str, RunData]) -> float:
    device, precision = setup(config.train)
    key = f"{config.train.seed} {config.model.image_size} {config.model.in_channels} {config.data.val_size}"
    if key not in prepared:
        prepared[key] = prepare(dataset, config, device)
    return train(config, prepared[key], precision)


@contextmanager
def _alone(asked: Asked):
    files.make_folder(paths.runs_root())
    try:
        lock = processes.hold(questions.lock_path(asked.id))
    except Timeout as error:
        raise SweepError(
            "this question is being answered already: wait until that has finished, or cancel it"
        ) from error
    try:
        yield
    finally:
        lock.release()


def main() -> None:
    """Answer a question as a background job."""
    asked = questions.read(sys.argv[1])
    if asked is not None:
        jobs.run(asked.job, lambda reporter: answer(asked, reporter.progress("seeds")))


if __name__ == "__main__":
    main()
