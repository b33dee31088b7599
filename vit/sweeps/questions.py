"""Questions with two answers: which of two settings learns more in a micro-budget? Free of torch.

Both arms train with the same seeds. A seed decides the split, the order of the data, the augmentation and the initial
weights, so the two runs of a seed share all that their settings allow, and their difference is what is judged.

An answer is two files: ``ID.json``, what is asked, by whoever asks; ``ID.jsonl``, a line per seed, by the process that
trains. The id depends on everything that decides a result, so an answer is never computed twice: more seeds extend it.
"""

import hashlib
import json
import statistics
import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from vit import cost, devices, files, jobs, paths
from vit.config import RunConfig, field_names, merge
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.errors import ConfigError, Problem, SweepError
from vit.rules import validate
from vit.runs.directory import Count, Record, Time, read_records
from vit.sweeps.verdict import Verdict, judge

DEFAULT_SEEDS, DEFAULT_STEPS = 5, 300
MOST_SEEDS, MOST_STEPS = 100, 100_000
MODULE = "vit.sweeps.asking"
POLL_SECONDS = 0.2
SECONDS_PER_FLOP = 1 / 20e9  # before anything was asked on this machine; two cores of a server
LOAD_SECONDS = 12.0  # until the first step: torch, the images
# Small enough for seconds per run on two cores, and long enough to learn something.
BASE: dict[str, Any] = {
    "model.image_size": 32,
    "model.patch_size": 8,
    "model.embed_dim": 64,
    "model.depth": 2,
    "model.num_heads": 4,
    "data.val_size": 0.2,
    "augment.flip": "none",
    "augment.crop_padding": 0,
    "train.epochs": None,
    "train.batch_size": 64,
    "train.optimizer": "muon",
    "train.lr": 6e-3,
    "train.schedule": "linear",
    "train.processes": 1,
    "train.threads": 1,  # as fast for so small a model, and much faster where other programs use the cores, too
}
OWN = "own"


class Arm(Record):
    """One of the two: settings that differ from the base, and how far its seeds are shifted from the other's."""

    label: str
    settings: dict[str, Any] = {}
    seed_shift: Count = 0

    @field_validator("settings")
    @classmethod
    def _are_settings(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if unknown := settings.keys() - set(field_names()):
            raise ValueError(f"there is no setting {unknown}")
        return settings


class Question(Record):
    """Two arms, and what one learns from comparing them."""

    name: str = Field(max_length=40, pattern=r"[a-z][a-z-]*")
    title: str
    about: str = ""
    arms: tuple[Arm, Arm]


class Pair(Record):
    """A line of ``ID.jsonl``: what both arms reached with one seed, as val accuracy after the last step (0..1)."""

    seed: Count
    first: Annotated[float, Field(ge=0, le=1)]
    second: Annotated[float, Field(ge=0, le=1)]
    seconds: Annotated[float, Field(ge=0, le=1e9)] = 0.0


class Asked(Record):
    """``ID.json``: what is asked; ``id`` is its file's name."""

    id: str = ""
    question: Question
    data: str
    fingerprint: str = ""
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)]
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)]
    asked: Time = 0.0

    @property
    def job(self) -> str:
        """Its name among the background jobs, which no data set can have."""
        return f"question@{self.id}"

    def pairs(self) -> list[Pair]:
        """What is known so far, by seed."""
        known = {pair.seed: pair for pair in read_records(lines_path(self.id), Pair)}
        return [known[seed] for seed in sorted(known)]

    def missing(self) -> list[int]:
        """The seeds that are still to be trained."""
        known = {pair.seed for pair in self.pairs()}
        return [seed for seed in range(self.seeds) if seed not in known]

    def verdict(self) -> Verdict | None:
        """What the known pairs say; None if they are too few."""
        first, second = self.question.arms
        return judge([pair.first - pair.second for pair in self.pairs()], first.label, second.label)

    def configs(self, seed: int) -> tuple[RunConfig, RunConfig]:
        """The configurations of both arms for a seed.

        Raises:
            ConfigError: If an arm can't work, on this data for example.
            DataError: If there is no such data set.
        """
        info = catalog.describe(self.data)
        environment = devices.environment(info.counts.get("train"), len(info.classes))
        first, second = (
            validate(raw(arm, self.data, self.steps, seed, info), environment) for arm in self.question.arms
        )
        return first, second


def raw(arm: Arm, data: str, steps: int, seed: int, info: DatasetInfo | None) -> dict:
    """The configuration of an arm, unchecked; it is validated once, after the last step."""
    follows = {"data.source": data, "model.num_classes": len(info.classes)} if info else {"data.source": data}
    length = {"train.steps": steps, "train.eval_every": float(steps), "train.seed": seed + arm.seed_shift}
    return merge(RunConfig().to_json(), BASE | arm.settings | follows | length)


def own(first: dict[str, Any], second: dict[str, Any]) -> Question:
    """A person's own question, from the settings of its two arms.

    Raises:
        ConfigError: If there is no such setting.
    """
    unknown = [name for name in (first | second) if name not in field_names()]
    if unknown:
        raise ConfigError([Problem(name, (first | second)[name], "there is no such setting") for name in unknown])
    arms = [Arm(label=_label(settings), settings=settings) for settings in (first, second)]
    return Question(name=OWN, title=f"{arms[0].label} or {arms[1].label}?", arms=(arms[0], arms[1]))


def _label(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name.partition('.')[2]} {value}" for name, value in settings.items()) or "the base"


def propose(question: Question, data: str, seeds: int = DEFAULT_SEEDS, steps: int = DEFAULT_STEPS) -> Asked:
    """What would be asked; what is known of it already is found by it.

    Raises:
        ConfigError: If an arm can't work.
        DataError: If there is no such data set.
        SweepError: If both arms are the same.
    """
    fingerprint = catalog.resolve(data).fingerprint  # a folder that is new is prepared, so that it has one
    asked = Asked(question=question, data=data, fingerprint=fingerprint, steps=steps, seeds=seeds, asked=time.time())
    first, second = asked.configs(seed=0)
    if first == second:
        raise SweepError("both arms are the same configuration; give them different settings")
    return asked.model_copy(update={"id": _id(asked, (first, second))})


def _id(asked: Asked, configs: tuple[RunConfig, RunConfig]) -> str:
    """The question's name and a digest of all that decides the results."""
    decisive = [*(config.to_json() for config in configs), asked.fingerprint]
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return f"{asked.question.name}-{digest[:10]}"


def ask(asked: Asked) -> Asked:
    """Write down what is asked; of one that is being answered, what it was begun with."""
    earlier = read(asked.id)
    if earlier and jobs.is_running(earlier.job):
        return earlier
    files.make_folder(paths.questions_root())
    files.write_json(_path(asked.id), asked.model_dump(mode="json"))
    return asked


def start(asked: Asked) -> None:
    """Train what is missing, in the background.

    Raises:
        JobError: If the job is running already.
    """
    jobs.start("question", asked.job, MODULE, asked.id)


def start_and_follow(asked: Asked, progress: jobs.Progress) -> None:
    """Train what is missing in a process whose environment makes that fast, and wait for it; Ctrl-C ends it.

    Raises:
        JobError: If the job is running already.
        SweepError: If it failed, or was cancelled or killed; finished seeds are kept.
    """
    start(asked)
    try:
        follow(asked, progress)
    except KeyboardInterrupt:
        jobs.cancel(asked.job)
        raise


def follow(asked: Asked, progress: jobs.Progress) -> None:
    """Watch the background work on a question until it ends.

    Raises:
        SweepError: If it failed, or was cancelled or killed; finished seeds are kept.
    """
    while (job := jobs.status(asked.job)) and job.state == "running":
        if job.total:
            progress(job.done, job.total, job.message)
        time.sleep(POLL_SECONDS)
    if job is None or job.state != "finished":
        raise SweepError(job.error if job and job.error else "the question was not answered to its end; ask again")
    progress(asked.seeds, asked.seeds, "")


def read(question_id: str) -> Asked | None:
    """What was asked under an id; None if there is no such question, or its file is damaged."""
    try:
        asked = Asked.model_validate_json(_path(question_id).read_bytes())
        for arm in asked.question.arms:
            RunConfig.model_validate(raw(arm, asked.data, asked.steps, 0, None))
    except (OSError, ValidationError):
        return None
    return asked.model_copy(update={"id": question_id})


def list_asked() -> list[Asked]:
    """Every question that was asked, newest first."""
    found = [read(path.stem) for path in paths.questions_root().glob("[!.]*.json")]
    return sorted((asked for asked in found if asked), key=lambda asked: asked.asked, reverse=True)


def remove(asked: Asked) -> None:
    """Forget a question and its answer."""
    for path in (_path(asked.id), lines_path(asked.id)):
        path.unlink(missing_ok=True)


def expected_seconds(asked: Asked, seconds_per_flop: float) -> float:
    """How long the missing seeds are likely to take at that pace."""
    return LOAD_SECONDS + len(asked.missing()) * _flops(asked) * seconds_per_flop


def seconds_per_flop(earlier: list[Asked]) -> float:
    """The pace of earlier answers on this machine, or that of a server's two cores where there are none."""
    rates = [pair.seconds / max(1, _flops(asked)) for asked in earlier for pair in asked.pairs() if pair.seconds]
    return statistics.median(rates) if rates else SECONDS_PER_FLOP


def _flops(asked: Asked) -> float:
    """Of both arms for one seed, forward and backward."""
    models = [RunConfig.model_validate(raw(arm, asked.data, asked.steps, 0, None)) for arm in asked.question.arms]
    return sum(cost.training_flops(config.model) * config.train.batch_size * asked.steps for config in models)


def lines_path(question_id: str) -> Path:
    return _path(question_id).with_suffix(".jsonl")


def lock_path(question_id: str) -> Path:
    """Held by the process that trains for this answer."""
    return _path(question_id).with_suffix(".lock")


def _path(question_id: str) -> Path:
    if not paths.NAME.fullmatch(question_id):
        raise SweepError(f"{question_id[:80]!r} is not the id of a question")
    return paths.questions_root() / f"{question_id}.json"
