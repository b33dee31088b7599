"""A short training of a tiny model with a person's module in the place of ours, beside the same with ours.

Both see the same batches of the built-in shapes, in the ordinary training step. Only a limited process may do this with
a stranger's module; what needs files or loads more of torch is in ``Lesson``, which is made before the limits.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vit.config import RunConfig, merge
from vit.learn.exercises import tasks
from vit.learn.exercises.tasks import Task
from vit.learn.exercises.verdict import Curve
from vit.learn.three_shapes import RECIPE, dataset
from vit.model import VisionTransformer, init_weights
from vit.rules import validate
from vit.training.batches import RunData, prepare
from vit.training.loop import evaluate, train_step
from vit.training.optimizers import build_optimizers
from vit.training.state import TrainState

NUM_IMAGES, NUM_VAL, SIDE = 2400, 300, 16
STEPS, WARMUP = 200, 10
SETTINGS = RECIPE | {
    "model.image_size": SIDE,
    "model.patch_size": 4,
    "model.embed_dim": 48,
    "model.num_heads": 3,
    "model.pool": "cls",
    "data.val_size": NUM_VAL,
    "train.steps": STEPS,
    "train.batch_size": 64,
    "train.warmup": WARMUP,
}


class Plugged(nn.Module):
    """A person's attention or block, asked for some of the tokens only, as the last block is in training."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, x: Tensor, num_queries: int | None = None, rotation: Tensor | None = None) -> Tensor:
        return self.module(x)[:, :num_queries]


@dataclass(frozen=True)
class Lesson:
    """The recipe and the images."""

    config: RunConfig
    data: RunData


def lesson(steps: int = STEPS) -> Lesson:
    """Draw the images and prepare everything that a training needs."""
    config = validate(merge(RunConfig().to_json(), SETTINGS | {"train.steps": steps}))
    return Lesson(config, prepare(dataset(NUM_IMAGES, SIDE), config, torch.device("cpu")))


def network(config: RunConfig, task: Task | None = None, kind: type[nn.Module] | None = None) -> VisionTransformer:
    """Our model, with new modules of ``kind`` where those of the task are."""
    torch.manual_seed(config.train.seed)
    vit, model = VisionTransformer(config.model), config.model
    if task is None or kind is None:
        return vit
    if task is tasks.PATCH_EMBED:
        vit.patch_embed = kind(model.patch_size, model.in_channels, model.embed_dim)  # type: ignore[assignment]
    elif task is tasks.POSITION:
        _plug_position(vit, kind(model.num_patches, model.embed_dim))
    elif task is tasks.ATTENTION:
        for block in vit.blocks:
            block.attn = Plugged(kind(model.embed_dim, model.num_heads))
    else:
        vit.blocks = nn.Sequential(
            *(Plugged(kind(model.embed_dim, model.num_heads, model.mlp_dim)) for _ in vit.blocks)
        )
    vit.apply(init_weights)
    return vit.float()


def _plug_position(vit: VisionTransformer, module: nn.Module) -> None:
    """Let it put the class token and the positions into the sequence, instead of ``VisionTransformer.embed``."""
    vit.cls_token = vit.pos_embed = None
    vit.position = module
    vit.embed = lambda images: module(vit.patch_embed(images))  # type: ignore[method-assign]


def train(vit: VisionTransformer, lesson: Lesson) -> Curve:
    """Train, and look at the validation images at the end."""
    config, data = lesson.config, lesson.data
    state, losses, total = TrainState(vit, build_optimizers(vit, config.train)), [], config.train.steps or 0
    while state.step < total:
        lr = config.train.lr_at(state.step, total, WARMUP)
        losses.append(train_step(vit, state, data.batch(state.step, config), config.train, lr, "fp32").loss.item())
    found = evaluate(vit, data.val.images, data.val.labels, data.mean, data.std, "fp32")
    return Curve(losses=losses, accuracy=found.accuracy)
