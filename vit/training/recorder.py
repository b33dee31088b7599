"""The only writer of a run's files while its worker lives."""

import time
from dataclasses import asdict
from pathlib import Path

from PIL import Image
from torch import Tensor

from vit import checkpoint, files
from vit.config import RunConfig
from vit.data.augment import normalise
from vit.errors import RunError
from vit.explain.attention import patch_map, rollout
from vit.explain.trace import trace
from vit.models import ModelInfo
from vit.runs.directory import Run, Saved, read_json
from vit.runs.launch import take_command
from vit.training import team
from vit.training.batches import RunData
from vit.training.plan import Plan
from vit.training.session import Session

STATUS_SECONDS = 2.0
DISK_RETRY_SECONDS = 20.0
FRAMES = 20  # in the series that is kept of a run


class Recorder:
    """Writes status, metrics, events, pinned predictions and checkpoints; a full disk is reported, not fatal."""

    def __init__(self, run: Run, is_new_attempt: bool = True):
        self.run = run
        self.config: RunConfig | None = None
        self.plan: Plan | None = None
        earlier = read_json(run.status_path) or {}
        self.attempt = earlier.get("attempt", 0) + is_new_attempt
        keep = (
            "launched",
            "preset",
            "data",
            "started",
            "best_val_accuracy",
            "step",
            "epoch",
            "total_steps",
            "total_epochs",
        )
        self._status = {key: earlier[key] for key in keep if key in earlier}
        self._status["attempt"] = self.attempt
        self._next_save = self._next_status = 0.0
        self._saved_step: int | None = None
        self.stop_asked = False

    def begin(self, config: RunConfig, plan: Plan) -> None:
        """From here on the lengths are known; the first save is due after ``save_every`` seconds."""
        self.config, self.plan = config, plan
        self._next_save = time.monotonic() + config.train.save_every

    # What happens

    def status(self, phase: str, session: Session | None = None, **more) -> None:
        """Replace ``status.json``."""
        if session is not None:
            self._status |= {"step": session.step, "epoch": self._epoch(session), "seconds": session.seconds}
        if self.plan is not None:
            self._status |= {"total_steps": self.plan.total_steps, "total_epochs": self.plan.total_epochs}
        self._status |= {"phase": phase, "updated": time.time(), **more}
        self._next_status = time.monotonic() + STATUS_SECONDS
        self._write(files.write_json, self.run.status_path, self._status)

    def event(self, kind: str, text: str, session: Session | None = None) -> None:
        """Note something a person wants to know later."""
        step = session.step if session else self._status.get("step", 0)
        print(f"[step {step}] {text}", flush=True)
        line = {"time": time.time(), "step": step, "kind": kind, "text": text}
        self._write(files.append_line, self.run.events_path, line)

    def resumed(self, session: Session) -> None:
        """Tell readers that later lines of an earlier attempt don't count any more."""
        files.append_line(self.run.metrics_path, {"v": 1, "resumed_at": session.step, "attempt": self.attempt})
        self.event("resumed", f"Resumed at step {session.step:,}.", session)

    def training(self, session: Session, row: dict) -> None:
        """Append one row of training figures."""
        self._append_metrics(session, row)
        if time.monotonic() >= self._next_status:
            self.status("training", session)

    def validation(self, session: Session, network, data: RunData) -> None:
        """Append the validation's figures and what the model now says of the pinned pictures."""
        self._append_metrics(session, session.val)
        best = self._status.get("best_val_accuracy")
        self._status["best_val_accuracy"] = max(best or 0.0, session.val["val_accuracy"])
        places = list(self.plan.pinned)
        row = {"step": session.step, "epoch": self._epoch(session)}
        row |= look_at(network, data.val.images[places], data)
        self._write(files.append_line, self.run.pinned_path, row)

    def take_command(self) -> str | None:
        """What the person asked for; a signal to end counts as stop. Ends a process that has lost its supervisor.

        Raises:
            RunError: If the run's folder is gone, so that nothing done from here on could be kept.
        """
        team.end_without_supervisor()
        if not self.run.config_path.exists():
            raise RunError(f"the folder of run {self.run.id} is gone; training ends here")
        return "stop" if self.stop_asked else take_command(self.run)

    # Checkpoints

    def save_is_due(self) -> bool:
        return time.monotonic() >= self._next_save

    def save(self, session: Session) -> None:
        """Save a checkpoint; if the disk refuses, say so, keep the old ones, and try again soon."""
        try:
            self.save_or_raise(session)
        except OSError as error:
            self._next_save = time.monotonic() + DISK_RETRY_SECONDS
            reason = f"{error.strerror or error}; training goes on and tries again in {DISK_RETRY_SECONDS:.0f} s"
            self.event("warning", f"The checkpoint of step {session.step:,} could not be saved: {reason}.", session)

    def save_or_raise(self, session: Session) -> None:
        """Save a checkpoint that must not be lost.

        Raises:
            OSError: If the disk refuses; earlier checkpoints are untouched.
        """
        if self._saved_step == session.step:
            return
        self._commit("", session.tensors(), self.run.journal_path, session)
        self._rotate()
        self._saved_step = session.step
        self._next_save = time.monotonic() + self.config.train.save_every

    def frame(self, session: Session) -> None:
        """Keep what the model is like now, for looking back: at the start, then about every twentieth of the run."""
        earlier = [saved.step for saved in self.run.series() if saved.step < session.step]
        is_last = session.step == self.plan.total_steps
        if earlier and not is_last and session.step - earlier[-1] < self.plan.total_steps / FRAMES:
            return
        weights = checkpoint.model_weights(session.tensors())
        small = {f"model.{name}": tensor.half() for name, tensor in weights.items()}
        try:
            self.run.series_path.mkdir(exist_ok=True)
            self._commit(f"{self.run.series_path.name}/", small, self.run.series_journal_path, session)
        except OSError as error:
            print(f"a frame could not be written: {error.strerror or error}", flush=True)

    def _commit(self, folder: str, tensors: dict[str, Tensor], journal: Path, session: Session) -> None:
        name = f"{folder}step-{session.step}.safetensors"
        path = self.run.checkpoints_path / name
        sha256 = checkpoint.save(path, tensors, self.describe(session))
        val = {key: session.val.get(key) for key in ("val_accuracy", "val_loss")}
        saved = Saved(session.step, self._epoch(session), name, sha256, path.stat().st_size, **val)
        files.append_line(journal, asdict(saved))

    def _rotate(self) -> None:
        """Keep the last, the one before, and the best; delete only after the new one is acknowledged."""
        saved, best = self.run.saved(), self.run.best()
        for old in saved[:-2]:
            if best is None or old.step != best.step:
                (self.run.checkpoints_path / old.file).unlink(missing_ok=True)

    def describe(self, session: Session) -> ModelInfo:
        """What a checkpoint says of itself."""
        plan = self.plan
        return ModelInfo(
            run=self.config,
            classes=plan.classes,
            mean=plan.mean,
            std=plan.std,
            data={"name": plan.data_name, "fingerprint": plan.data_fingerprint, "images": plan.num_train},
            step=session.step,
            epoch=self._epoch(session),
            metrics={**session.val, "seconds": session.seconds},
            environment={"torch": plan.torch, "device": plan.device_name, "threads": plan.threads},
        )

    # Helpers

    def pin(self, data: RunData) -> None:
        """Write the pinned pictures once, side by side."""
        pictures = data.val.images[list(self.plan.pinned)].cpu()  # (n, C, H, W)
        strip = pictures.permute(2, 0, 3, 1).flatten(1, 2).squeeze(-1).numpy()
        with files.replacing(self.run.pinned_image_path) as temporary:
            Image.fromarray(strip).save(temporary, format="PNG")

    def _epoch(self, session: Session) -> float:
        return session.step / self.plan.steps_per_epoch

    def _append_metrics(self, session: Session, figures: dict) -> None:
        where = {"v": 1, "step": session.step, "epoch": self._epoch(session), "attempt": self.attempt}
        spent = {"time": session.seconds, "images": session.step * self.config.train.batch_size}
        self._write(files.append_line, self.run.metrics_path, where | spent | figures)

    @staticmethod
    def _write(write, path, content) -> None:
        """Write a report; a disk that refuses one must not end the training that it reports on."""
        try:
            write(path, content)
        except OSError as error:
            print(f"{path.name} could not be written: {error.strerror or error}", flush=True)


class Bystander(Recorder):
    """Writes nothing: for the processes of a team that leave it to rank 0."""

    def status(self, phase: str, session: Session | None = None, **more) -> None: ...

    def event(self, kind: str, text: str, session: Session | None = None) -> None: ...

    def resumed(self, session: Session) -> None: ...

    def training(self, session: Session, row: dict) -> None: ...

    def validation(self, session: Session, network, data: RunData) -> None: ...

    def save_or_raise(self, session: Session) -> None: ...

    def frame(self, session: Session) -> None: ...

    def pin(self, data: RunData) -> None: ...

    def take_command(self) -> None: ...


def look_at(network, images: Tensor, data: RunData) -> dict:
    """Probabilities and rollout of the pinned pictures, rounded: lists of (K) and (grid * grid) numbers."""
    seen = trace(network, normalise(images, data.mean, data.std))
    relevance = rollout(seen.attention)
    maps = patch_map(relevance, seen)
    return {"probabilities": _rounded(seen.logits.softmax(1)), "attention": _rounded(maps.flatten(1))}


def _rounded(values: Tensor) -> list:
    return [[round(number, 5) for number in row] for row in values.cpu().tolist()]
