"""What a script has to know: a configuration, and what was or would be decided before the first step. No torch."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from vit import devices, rules
from vit.config import RunConfig, share_or_count
from vit.data import catalog
from vit.data.download import CIFAR10
from vit.data.store import DatasetInfo
from vit.errors import RunError
from vit.expectation import is_cifar10
from vit.runs import speed
from vit.runs.changes import read_changes
from vit.runs.directory import Run
from vit.runs.plan import read_plan

Kind = Literal["script", "notebook"]
NAMES: dict[Kind, str] = {"script": "train.py", "notebook": "train.ipynb"}
DECIDED = ("warmup_steps", "eval_steps", "num_val", "device", "precision", "threads", "processes", "torch")


@dataclass(frozen=True)
class Recipe:
    """A training that a script repeats.

    Attributes:
        config: Its settings, as they are before the first step.
        run: The run's name; empty for one that has not begun.
        images: What is trained on.
        steps: Its length.
        warmup_steps: Of the learning rate.
        eval_steps: Between two validations.
        num_val: Images that are set aside from the training images.
        device: cpu, cuda or mps.
        precision: fp32 or bf16.
        threads: Of each process.
        processes: Among which each batch is shared out.
        torch: Its version.
        fingerprint: Of the data that the run began with; empty for one that has not begun.
        changed_at: The first step for which a person changed something; None if nobody did.
    """

    config: RunConfig
    run: str
    images: DatasetInfo
    steps: int
    warmup_steps: int
    eval_steps: int
    num_val: int
    device: str
    precision: str
    threads: int
    processes: int
    torch: str
    fingerprint: str = ""
    changed_at: int | None = None

    @property
    def is_public(self) -> bool:
        """Whether torchvision gives the same pixels: CIFAR-10 from its official archive, at its own size, in color."""
        is_official = self.images.description == f"Imported from {CIFAR10.name}." and is_cifar10(self.images)
        return is_official and (self.config.model.image_size, self.config.model.in_channels) == (32, 3)

    @property
    def has_test(self) -> bool:
        return bool(self.images.counts.get("test"))

    @property
    def num_bytes(self) -> int:
        """Of the images that travel with the script."""
        model = self.config.model
        pixels = model.in_channels * model.image_size**2
        return 0 if self.is_public else sum(self.images.counts.values()) * pixels

    @property
    def has_files(self) -> bool:
        """Whether images or weights travel with the script."""
        return not self.is_public or bool(self.config.init.checkpoint)

    def check_data(self, found: str) -> None:
        """Refuse other images than those the run began with; an empty fingerprint is not known.

        Raises:
            RunError: If they are others.
        """
        if self.fingerprint and found not in ("", self.fingerprint):
            raise RunError(
                f"the data set {self.images.name} has changed since {self.run} began: no script can repeat it"
            )

    def suffix(self, kind: Kind) -> str:
        """Of the file that holds everything: the text alone, or a zip with what it reads."""
        return ".zip" if self.has_files else Path(NAMES[kind]).suffix


def of_run(run: Run) -> Recipe:
    """The recipe of a run from its first step on; of one that waits, what is known of it.

    Raises:
        VitError: If its files can't be read, or its data set is gone or has changed.
    """
    config, plan = rules.read(run.config_path), read_plan(run)
    if plan is None:
        return of_config(config)
    images = catalog.describe(config.data.source)
    changes = read_changes(run)
    recipe = Recipe(
        config,
        run.id,
        images,
        steps=plan.total_steps,
        **{name: getattr(plan, name) for name in DECIDED},
        fingerprint=plan.data_fingerprint,
        changed_at=min(change.step for change in changes) if changes else None,
    )
    recipe.check_data(images.fingerprint)
    return recipe


def of_config(config: RunConfig) -> Recipe:
    """The recipe of a run that has not begun, in one process unless the configuration says otherwise.

    Raises:
        DataError: If there is no such data set.
        RunError: If its length is in minutes and nobody has measured how many steps that is.
    """
    images, train = catalog.describe(config.data.source), config.train
    count = images.counts["train"]
    steps, device = _steps(config, count), devices.describe().device if train.device == "auto" else train.device
    return Recipe(
        config,
        "",
        images,
        steps=steps,
        warmup_steps=share_or_count(train.warmup, steps),
        eval_steps=speed.eval_steps(train, steps, _validation(config, count)),
        num_val=config.data.num_val(count),
        device=device,
        precision=_precision(train.precision, device),
        threads=train.threads or max(1, devices.usable_cores() // (train.processes or 1)),
        processes=train.processes or 1,
        torch=version("torch"),
    )


def _steps(config: RunConfig, count: int) -> int:
    planned, known = rules.planned_steps(config, count), speed.remembered(config)
    if planned:
        return planned
    if known is None:
        raise RunError(
            f"nobody knows yet how many steps {config.train.minutes:g} min are on this machine; measure the speed, or "
            "give the length in epochs or steps"
        )
    return speed.steps(config, count, known)


def _validation(config: RunConfig, count: int) -> float:
    """Seconds of a validation, which decide nothing unless the length is in minutes."""
    known = speed.remembered(config)
    return speed.seconds_per_validation(config, count, known) if known else 0.0


def _precision(asked: str, device: str) -> str:
    if asked != "auto":
        return asked
    if device == "cpu":
        return devices.cpu_precision()
    from vit.training.device import choose_precision

    return choose_precision(asked, device)
