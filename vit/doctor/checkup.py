"""When signals are measured during a training, and on which images: at validations, within a share of the time."""

import math
import time

from torch import Tensor

from vit.data.augment import normalize
from vit.data.load import Split
from vit.doctor import signals
from vit.doctor.case import TRAIN_IMAGES
from vit.model import VisionTransformer
from vit.runs.plan import Plan
from vit.training.batches import RunData
from vit.training.state import TrainState

SHARE = 0.005  # of the training time
FEWEST = 4  # measurements of a run, whatever they take
LINEAR_IMAGES = 1000  # for the linear model, and half as many to judge it
MIN_SECONDS = 2.0  # of training, before processor time says something


class Checkup:
    """Measures the signals of one attempt of a run. Only the process that writes the run has one."""

    def __init__(self) -> None:
        self._spent = 0.0  # seconds
        self._last_step = 0
        self._before: dict[str, Tensor] | None = None
        self._linear: float | None = None
        self._clock: tuple[float, float] | None = None  # seconds of processor and of training

    def before_step(self, state: TrainState, plan: Plan) -> None:
        """Keep the weights before an update after which signals will be measured."""
        if not plan.is_eval_step(state.step + 1):
            return
        is_cheap = self._spent <= SHARE * state.seconds
        if is_cheap or state.step + 1 - self._last_step >= plan.total_steps / FEWEST:
            start = time.perf_counter()
            self._before = signals.matrices(state.network)
            self._spent += time.perf_counter() - start

    def measure(self, state: TrainState, network: VisionTransformer, data: RunData) -> dict[str, float]:
        """The signals after a validation of ``network``; none if they would take too much of the training's time.

        Values that are not finite are left out.
        """
        if self._before is None:
            return {}
        start = time.perf_counter()
        count = signals.num_images(network)
        found = signals.movement(self._before, state.network) | self._cores(state)
        images = normalize(_some(data.val, count).images, data.mean, data.std)
        found |= signals.inside(network, images) | self._on_train(network, data)
        found |= signals.chance(data.val.labels, len(data.classes))
        self._before, self._last_step = None, state.step
        self._spent += time.perf_counter() - start
        found["signal_seconds"] = self._spent
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def _on_train(self, network: VisionTransformer, data: RunData) -> dict[str, float]:
        """How well train images are known, and what a linear model makes of them, which is computed once."""
        some = _some(data.train, TRAIN_IMAGES)
        if self._linear is None:
            splits = _some(data.train, LINEAR_IMAGES), _some(data.val, LINEAR_IMAGES // 2)
            self._linear = signals.linear_accuracy(*splits, len(data.classes))
        images = normalize(some.images, data.mean, data.std)
        return signals.judged(network, images, some.labels) | {"linear_accuracy": self._linear}

    def _cores(self, state: TrainState) -> dict[str, float]:
        """How many cores this process kept busy since the last time."""
        now, last = (time.process_time(), state.seconds), self._clock
        if last is not None and now[1] - last[1] < MIN_SECONDS:
            return {}
        self._clock = now
        return {} if last is None else {"cpu_cores": (now[0] - last[0]) / (now[1] - last[1])}


def _some(split: Split, most: int) -> Split:
    places = signals.evenly(len(split.labels), most).to(split.labels.device)
    return Split(split.images[places], split.labels[places])
