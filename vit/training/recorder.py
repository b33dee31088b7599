"""Writes the files of a run; the only writer while its worker lives."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from vit import checkpoint, files, processes
from vit.data.augment import normalize
from vit.doctor.checkup import Checkup
from vit.errors import ConfigError, RunError
from vit.explain.attention import patch_map, rollout
from vit.explain.trace import trace
from vit.model import VisionTransformer
from vit.models import ModelInfo
from vit.runs import commands, queue
from vit.runs.changes import Change, Course, check, in_words, write_change
from vit.runs.commands import Command, Word
from vit.runs.directory import Run
from vit.runs.locks import control
from vit.runs.plan import Plan
from vit.runs.status import Failure, read_status, write_status
from vit.training import distributed
from vit.training.batches import RunData
from vit.training.state import TrainState
from vit.training.usage import Usage

STATUS_SECONDS = 2.0
DISK_RETRY_SECONDS = 20.0
WAIT_SECONDS = 0.5  # between two looks for a command while there is nothing to do
SNAPSHOTS = 20  # small checkpoints of a run, kept to look back


class Recorder:
    """Writes status, metrics, events, tracked images and checkpoints; a full disk is reported, not fatal."""

    course: Course

    def __init__(self, run: Run, is_new_attempt: bool = True):
        self.run = run
        earlier = read_status(run)
        self._status = earlier.model_copy(
            update={"attempt": earlier.attempt + is_new_attempt, "error": None, "test": None, "finished": None}
        )
        self._next_save = self._next_status = self._since = 0.0
        self._saved_step: int | None = None
        self._usage = Usage()
        self.stop_asked = False
        self._checkup = Checkup()
        self.validations: list[tuple[float, float]] = []  # seconds of each, and of what followed it

    @property
    def attempt(self) -> int:
        return self._status.attempt

    def begin(self, course: Course) -> None:
        """From here on the lengths are known; the first save is due after ``save_every`` seconds."""
        self.course = course
        for folder in (self.run.path, self.run.checkpoints_path, self.run.series_path):
            files.remove_leftovers(folder)
        self._update(**self._lengths(self._status.step))
        self._next_save = time.monotonic() + course.at(self._status.step)[0].train.save_every

    def _lengths(self, step: int) -> dict[str, float]:
        config, plan = self.course.at(step)
        patience = config.train.patience
        return {"total_steps": plan.total_steps, "total_epochs": plan.total_epochs, "patience": patience}

    # Status, events and metrics

    def status(self, phase: str, state: TrainState | None = None, **more: object) -> None:
        """Replace ``status.json``; ``more`` are fields of ``Status``."""
        if state is not None:
            self._update(step=state.step, epoch=self._epoch(state), seconds=state.seconds, stale=state.stale)
            self._update(**self._lengths(state.step))
        self._update(phase=phase, updated=time.time(), **more)
        self._since = time.monotonic()
        self._next_status = self._since + STATUS_SECONDS
        self._tolerate(write_status, self.run, self._status)

    def event(self, kind: str, text: str, state: TrainState | None = None) -> None:
        """Record something a person wants to know later."""
        step = state.step if state else self._status.step
        print(f"[step {step}] {text}", flush=True)
        line = {"time": time.time(), "step": step, "kind": kind, "text": text}
        self._tolerate(files.append_line, self.run.events_path, line)

    def close(self, outcome: str, text: str, state: TrainState | None = None, failure: Failure | None = None) -> None:
        """Write the closing record: how the run ended, as an event and as the last status.

        A run that was made longer after its worker had last looked waits for its next one.
        """
        with control():
            self.event(outcome, text, state)
            self.status(outcome, state, finished=time.time(), error=failure)
            if any(command.word == "extend" for command in commands.waiting(self.run)):
                queue.add(self.run)

    def resumed(self, state: TrainState) -> None:
        """Tell readers that metrics of an earlier attempt after this step do not count any more."""
        files.append_line(self.run.metrics_path, {"v": 1, "resumed_at": state.step, "attempt": self.attempt})
        self.event("resumed", f"Resumed at step {state.step:,}.", state)

    def training(self, state: TrainState, row: dict[str, float]) -> None:
        """Append one row of training metrics, and what the training takes of the machine."""
        self._append_metrics(state, row | self._usage.read())
        if time.monotonic() >= self._next_status:
            self.status("training", state)

    def before_step(self, state: TrainState, plan: Plan) -> None:
        """Called before every update, because a validation may want to know how far it went."""
        self._checkup.before_step(state, plan)

    def validation(self, state: TrainState, network: VisionTransformer, data: RunData) -> None:
        """Append the metrics of a validation with signals, and probabilities and rollout of the tracked images."""
        spent = {"val_seconds": time.monotonic() - self._since}
        self._append_metrics(state, state.val | spent | self._checkup.measure(state, network, data))
        tracked = list(self.course.at(state.step)[1].tracked)
        self._update(best_val_accuracy=max(self._status.best_val_accuracy or 0.0, state.val["val_accuracy"]))
        traced = trace(network, normalize(data.val.images[tracked], data.mean, data.std))
        maps = patch_map(rollout(traced.attention), traced)
        row = {"step": state.step, "epoch": self._epoch(state)}
        row |= {"probabilities": _rounded(traced.logits.softmax(1)), "attention": _rounded(maps.flatten(1))}
        self._tolerate(files.append_line, self.run.tracked_path, row)

    def timed(self, evaluating: float, saving: float) -> None:
        """Remember how many seconds a validation took, and what followed it."""
        self.validations.append((evaluating, saving))

    def take_command(self, state: TrainState | None = None, words: Sequence[Word] = commands.WORDS) -> Word | None:
        """The next of these commands that a person has given; SIGTERM counts as stop.

        What changes the run is on disk as one of its changes before the command is forgotten; it waits while there is
        no state yet.

        Raises:
            RunError: If the run's folder is gone, so that no later step could be kept.
        """
        self._check_ownership()
        if self.stop_asked and "stop" in words:
            return "stop"
        command = commands.first(self.run, [word for word in words if state or word not in commands.LASTING])
        if command is None:
            return None
        if state and command.word in commands.LASTING:
            self._change(command, state)
        commands.remove(self.run, command)
        return command.word

    def _check_ownership(self) -> None:
        """End this process if the run belongs to another one; stop it if nobody can tell any more."""
        distributed.exit_if_orphaned()
        processes.exit_if_replaced(self.run.lock_path)
        if not self.run.config_path.exists():
            raise RunError(f"the folder of run {self.run.id} is gone; training ends here")
        if not self.stop_asked and not self.run.lock_path.exists():
            self.event("warning", "The file that locks this run was deleted, so another process could start it, too.")
            self.stop_asked = True

    def _change(self, command: Command, state: TrainState) -> None:
        """Write down what changes from this step on, once, however often the worker is killed in between."""
        if any(change.id == command.id for change in self.course.changes):
            return
        config, plan = self.course.at(state.step)
        total_steps = plan.total_steps + command.steps if command.steps else None
        try:
            check(config, command.settings)
        except ConfigError as error:
            self.event("refused", f"Not changed: {error}.", state)
            return
        settings = command.settings
        write_change(self.run, Change(step=state.step, id=command.id, settings=settings, total_steps=total_steps))
        self.event("changed", in_words(config, settings, total_steps), state)

    # Checkpoints

    def save_is_due(self) -> bool:
        return time.monotonic() >= self._next_save

    def save(self, state: TrainState) -> bool:
        """Save a checkpoint; if the disk refuses, say so, keep the old ones, and try again soon.

        Returns:
            Whether it is on disk.
        """
        if self._saved_step == state.step:
            return True
        try:
            checkpoint.save(self._path(self.run.checkpoints_path, state), state.tensors(), self._describe(state))
            self._rotate(state)
        except OSError as error:
            self._next_save = time.monotonic() + DISK_RETRY_SECONDS
            reason = f"{error.strerror or error}; the next try is in {DISK_RETRY_SECONDS:.0f} s"
            self.event("warning", f"The checkpoint of step {state.step:,} could not be saved: {reason}.", state)
            return False
        self._saved_step = state.step
        self._next_save = time.monotonic() + self.course.at(state.step)[0].train.save_every
        return True

    def save_before_the_end(self, state: TrainState) -> None:
        """Save a checkpoint that must not be lost: a disk that refuses is tried until it has room again.

        Raises:
            RunError: If a person doesn't want to wait any longer and says stop.
        """
        while not self.save(state):
            self.status("waiting", state)
            while not self.save_is_due():
                time.sleep(WAIT_SECONDS)
                if self.take_command() == "stop":
                    raise RunError(
                        f"stopped while step {state.step:,} could not be saved; resuming goes on from the checkpoint "
                        "before it"
                    )

    def _rotate(self, state: TrainState) -> None:
        """The last checkpoint, the one before and the best stay; the others go, now that the new one is on disk."""
        if self.course.at(state.step)[0].train.keep_all:
            return
        saved, best = self.run.saved(), self.run.best()
        for old in saved[:-2]:
            if best is None or old.step != best.step:
                (self.run.checkpoints_path / old.file).unlink(missing_ok=True)

    def snapshot(self, state: TrainState) -> None:
        """Keep a small checkpoint to look back: at the start, then about every twentieth of the run.

        It is written before the checkpoint of its step: a process that dies between them makes both again.
        """
        earlier = [saved.step for saved in self.run.series() if saved.step < state.step]
        total_steps = self.course.at(state.step)[1].total_steps
        if earlier and state.step < total_steps and state.step - earlier[-1] < total_steps / SNAPSHOTS:
            return
        weights = checkpoint.model_weights(state.tensors())
        small = {f"model.{name}": tensor.half() for name, tensor in weights.items()}
        try:
            self.run.series_path.mkdir(exist_ok=True)
            checkpoint.save(self._path(self.run.series_path, state), small, self._describe(state))
        except OSError as error:
            print(f"a snapshot could not be written: {error.strerror or error}", flush=True)

    @staticmethod
    def _path(folder: Path, state: TrainState) -> Path:
        return folder / f"step-{state.step}.safetensors"

    def _describe(self, state: TrainState) -> ModelInfo:
        """The metadata of a checkpoint."""
        config, plan = self.course.at(state.step)
        return ModelInfo(
            run=config,
            classes=plan.classes,
            mean=plan.mean,
            std=plan.std,
            data=self._data(plan),
            step=state.step,
            epoch=self._epoch(state),
            metrics=state.figures(),
            environment={"torch": plan.torch, "device": plan.device_name, "threads": plan.threads},
        )

    @staticmethod
    def _data(plan: Plan) -> dict:
        """What was trained on, and on how many images it was validated."""
        counts = {"images": plan.num_train, "val_images": plan.num_val}
        return {"name": plan.data_name, "fingerprint": plan.data_fingerprint, **counts}

    # Helpers

    def write_tracked_images(self, data: RunData) -> None:
        """Write the tracked images once, side by side."""
        images = data.val.images[list(self.course.at(0)[1].tracked)].cpu()  # (n, C, H, W)
        strip = images.permute(2, 0, 3, 1).flatten(1, 2).squeeze(-1).numpy()
        with files.replacing(self.run.tracked_image_path) as temporary:
            Image.fromarray(strip).save(temporary, format="PNG")

    def _epoch(self, state: TrainState) -> float:
        return state.step / self.course.at(state.step)[1].steps_per_epoch

    def _append_metrics(self, state: TrainState, metrics: dict[str, float]) -> None:
        where = {"v": 1, "step": state.step, "epoch": self._epoch(state), "attempt": self.attempt}
        spent = {"time": state.seconds, "images": state.step * self.course.at(state.step)[0].train.batch_size}
        self._tolerate(files.append_line, self.run.metrics_path, where | spent | metrics)

    def _update(self, **fields: object) -> None:
        self._status = self._status.model_copy(update=fields)

    @staticmethod
    def _tolerate(write: Callable, *arguments: object) -> None:
        """Write a report; a disk that refuses it must not end the training that it reports on."""
        try:
            write(*arguments)
        except OSError as error:
            print(f"{write.__name__}: {error.strerror or error}", flush=True)


class NullRecorder(Recorder):
    """Writes nothing: for the ranks that leave writing to rank 0."""

    def _ignore(self, *_: object, **__: object) -> None: ...

    status = event = close = resumed = training = before_step = validation = timed = _ignore
    take_command = save_before_the_end = snapshot = write_tracked_images = _ignore

    def save(self, state: TrainState) -> bool:
        return True


def _rounded(values: Tensor) -> list[list[float]]:
    return [[round(number, 5) for number in row] for row in values.cpu().tolist()]
