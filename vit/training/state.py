"""The training state: everything that changes while a model trains, saved and restored as named tensors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vit import checkpoint
from vit.config import InitConfig, RunConfig
from vit.errors import CheckpointError
from vit.model import VisionTransformer
from vit.training.optimizers import build_optimizers, layer_of


@dataclass
class TrainState:
    """A model in training."""

    network: VisionTransformer  # the model
    optimizers: list[Optimizer]  # one or two that own every trainable parameter together
    ema: dict[str, Tensor] | None = None  # averaged weights by name, or None
    step: int = 0  # updates done
    seconds: float = 0.0  # time spent training, over all attempts
    val: dict = field(default_factory=dict)  # metrics of these weights by name; empty between two validations
    best_val_accuracy: float = 0.0  # of all planned validations
    best_val_loss: float | None = None  # the lowest at that accuracy; None before the first validation
    stale: int = 0  # planned validations since the best one

    def tensors(self) -> dict[str, Tensor]:
        """All tensors a resume needs: ``model.*``, ``ema.*`` and ``optimizer.<i>.<parameter>.<state>``."""
        tensors = {f"model.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"ema.{name}": tensor for name, tensor in (self.ema or {}).items()}
        for prefix, parameter, states in self._optimizer_states():
            tensors |= {prefix + key: value for key, value in states[parameter].items()}
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continue from a checkpoint's tensors.

        Raises:
            CheckpointError: If they don't fit this network.
        """
        checkpoint.load_weights(self.network, with_prefix(tensors, "model."))
        if self.ema is not None:
            for name, average in self.ema.items():
                average.copy_(tensors[f"ema.{name}"])
        for prefix, parameter, states in self._optimizer_states():
            saved = with_prefix(tensors, prefix)
            if not saved and self.step:
                raise CheckpointError(f"the checkpoint has no optimizer state for {prefix}")
            # Moments live where their parameter lives; fused optimizers want their step counter there, too.
            for key, value in saved.items():
                saved[key] = value.to(parameter.device) if key != "step" or parameter.is_cuda else value
            states[parameter] = saved

    def validated(self, loss: float, accuracy: float, is_planned: bool) -> None:
        """Take the result of a validation; one that a person asked for in between doesn't count for ``stale``.

        The same accuracy with a lower loss is better, as in ``Run.best``.
        """
        self.val = {"val_loss": loss, "val_accuracy": accuracy}
        if not is_planned:
            return
        lowest = -math.inf if self.best_val_loss is None else self.best_val_loss
        is_better = (accuracy, -loss) > (self.best_val_accuracy, -lowest)
        self.stale = 0 if is_better else self.stale + 1
        if is_better:
            self.best_val_accuracy, self.best_val_loss = accuracy, loss

    def figures(self) -> dict[str, float]:
        """What belongs into a checkpoint beside the tensors."""
        progress = {"best_val_accuracy": self.best_val_accuracy, "stale": float(self.stale)}
        if self.best_val_loss is not None:
            progress["best_val_loss"] = self.best_val_loss
        return {**self.val, "seconds": self.seconds, **progress}

    def restore_figures(self, step: int, figures: dict[str, float]) -> None:
        """Continue from what ``figures`` has put into the checkpoint of a step."""
        self.step, self.seconds = step, figures.get("seconds", 0.0)
        self.val = {name: value for name, value in figures.items() if name.startswith("val_")}
        self.best_val_accuracy, self.stale = figures.get("best_val_accuracy", 0.0), int(figures.get("stale", 0))
        self.best_val_loss = figures.get("best_val_loss")  # checkpoints from before ties were broken have none

    def average_weights(self, decay: float) -> None:
        """Exponential moving average of the weights: average = decay * average + (1 - decay) * weights."""
        assert self.ema is not None
        weights = self.network.state_dict()
        averages, weights = list(self.ema.values()), [weights[name] for name in self.ema]
        torch._foreach_lerp_(averages, weights, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    def evaluation_network(self) -> VisionTransformer:
        """The network to evaluate, in eval mode: with averaged weights where the run keeps an average."""
        if self.ema is None:
            return self.network.eval()
        averaged = VisionTransformer(self.network.config).to(self.network.head.weight.device)
        averaged.load_state_dict(self.ema)
        return averaged.eval()

    def _optimizer_states(self) -> Iterator[tuple[str, nn.Parameter, dict]]:
        """Of every parameter: its prefix in a checkpoint, itself, and the optimizer state that has it as a key."""
        names = {parameter: name for name, parameter in self.network.named_parameters()}
        for index, optimizer in enumerate(self.optimizers):
            for parameter in (p for part in optimizer.param_groups for p in part["params"]):
                yield f"optimizer.{index}.{names[parameter]}:", parameter, optimizer.state


def new_state(config: RunConfig, device: torch.device) -> TrainState:
    """The state before the first step, with weights drawn from the seed."""
    torch.manual_seed(config.train.seed)
    network = VisionTransformer(config.model).to(device)
    _freeze(network, config.init)
    state = TrainState(network, build_optimizers(network, config.train, config.init.layer_decay))
    if config.train.ema_decay:
        state.ema = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    return state


def _freeze(network: VisionTransformer, init: InitConfig) -> None:
    """Leave out of the training what is to stay as it is."""
    if init.trainable == "head":
        network.requires_grad_(False).head.requires_grad_(True)
    elif init.frozen_blocks:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(layer_of(name, network.config.depth) > init.frozen_blocks)


def with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name has a prefix, by the rest of their name."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
