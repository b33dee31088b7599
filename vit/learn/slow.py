"""Training in slow motion: a tiny model, a few images, and everything that each step saw and changed.

The steps are those of any run: ``vit.training.loop.train_step`` makes them. What is recorded is only read.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.config import RunConfig, merge
from vit.learn.three_shapes import RECIPE, dataset
from vit.model import VisionTransformer
from vit.rules import validate
from vit.training.batches import RunData, prepare
from vit.training.loop import train_step
from vit.training.state import TrainState, new_state

NUM_TRAIN, NUM_VAL, SIDE = 24, 12, 32
STEPS = 30
WARMUP = 5
SETTINGS = RECIPE | {
    "model.image_size": SIDE,
    "model.patch_size": 8,
    "model.stem": "conv",
    "model.embed_dim": 32,
    "model.num_heads": 2,
    "data.val_size": NUM_VAL,
    "train.steps": STEPS,
    "train.batch_size": 8,
    "train.warmup": WARMUP,
}
PARTS = {"embedding": ("patch_embed.", "pos_embed"), "block 0": ("blocks.0.",), "block 1": ("blocks.1.",)}
PARTS |= {"head": ("fc_norm.", "head.")}


@dataclass(frozen=True)
class SlowStep:
    """One step. Shapes: B images of the batch, K classes.

    Attributes:
        images: As augmentation gave them to the model, normalized (B, C, H, W).
        pixels: The same as uint8, to be looked at.
        labels: (B,).
        before: Probabilities of the batch before the step, (B, K).
        after: The same batch after the step, (B, K).
        loss: Of the batch before the step, as a run records it.
        loss_after: Of the same batch after it.
        grad_norm: Length of the gradient before clipping.
        grad_norms: Of each of ``PARTS``.
        moved: How far the weights of each of ``PARTS`` moved, as a share of their length.
        lr: Learning rate.
    """

    images: Tensor
    pixels: Tensor
    labels: Tensor
    before: Tensor
    after: Tensor
    loss: float
    loss_after: float
    grad_norm: float
    grad_norms: dict[str, float]
    moved: dict[str, float]
    lr: float


def configuration() -> RunConfig:
    """The recipe of the slow steps."""
    return validate(merge(RunConfig().to_json(), SETTINGS))


def steps(config: RunConfig, data: RunData) -> list[SlowStep]:
    """All steps of a run, watched."""
    state = new_state(config, data.mean.device)
    return [watched(state, data, config) for _ in range(config.train.steps or 0)]


def watched(state: TrainState, data: RunData, config: RunConfig) -> SlowStep:
    """Make one step and tell what it saw and changed."""
    batch, old = data.batch(state.step, config), weights(state.network)
    lr = config.train.lr_at(state.step, config.train.steps or 1, int(config.train.warmup))
    images, _, labels = batch
    before, norms = logits(state.network, images), {}
    hooks = [parameter.register_post_accumulate_grad_hook(partial(_keep, norms, name))
             for name, parameter in state.network.named_parameters()]  # fmt: skip
    result = train_step(state.network, state, batch, config.train, lr, "fp32")
    for hook in hooks:
        hook.remove()
    after, new = logits(state.network, images), weights(state.network)
    return SlowStep(
        images,
        _pixels(images, data),
        labels,
        before.softmax(1),
        after.softmax(1),
        result.loss.item(),
        F.cross_entropy(after, labels).item(),
        result.grad_norm.item(),
        {part: _length([norms[name] for name in new if name.startswith(names)]) for part, names in PARTS.items()},
        {part: _moved(old, new, names) for part, names in PARTS.items()},
        lr,
    )


def _pixels(images: Tensor, data: RunData) -> Tensor:
    """The inverse of normalization."""
    shares = images * data.std.view(-1, 1, 1) + data.mean.view(-1, 1, 1)
    return (255 * shares).round().clamp(0, 255).byte()


def _keep(norms: dict[str, Tensor], name: str, parameter: nn.Parameter) -> None:
    """Keep the length of a gradient as soon as it is there, before clipping scales it."""
    assert parameter.grad is not None
    norms[name] = parameter.grad.norm()


def _length(norms: list[Tensor]) -> float:
    return torch.stack(norms).norm().item()


def _moved(old: dict[str, Tensor], new: dict[str, Tensor], names: tuple[str, ...]) -> float:
    mine = [name for name in new if name.startswith(names)]
    way = _length([(new[name] - old[name]).norm() for name in mine])
    return way / _length([old[name].norm() for name in mine])


def weights(network: VisionTransformer) -> dict[str, Tensor]:
    """A copy of the trained weights by name."""
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


@torch.no_grad()
def logits(network: VisionTransformer, images: Tensor) -> Tensor:
    """What the network says in eval mode, (B, K); its mode stays as it was."""
    was_training = network.training
    found = network.eval()(images)
    network.train(was_training)
    return found


def recorded() -> list[SlowStep]:
    """The slow steps of the chapter."""
    config = configuration()
    with torch.random.fork_rng(devices=[]):  # a step sets the seed, which is everybody's
        return steps(config, prepare(dataset(NUM_TRAIN + NUM_VAL, SIDE), config, torch.device("cpu")))
