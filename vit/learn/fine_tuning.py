"""What becomes of a model's positions when it is to see images of another size."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vit.model import VisionTransformer
from vit.positions import sincos2d
from vit.training.initialization import resize_positions

GRIDS = (4, 6, 8, 10, 12, 14, 16)  # patches along one side that the figure offers


def grids(own: int) -> list[int]:
    """The grids to look at, the model's own among them."""
    return sorted({*GRIDS, own}) if own <= max(GRIDS) else [own]


def positions_for(model: VisionTransformer, grid: int) -> Tensor | None:
    """Position embeddings of the patches of another grid: (g², D); None for a model without them.

    Learned ones are interpolated, as fine-tuning does; sine and cosine are computed for every grid.
    """
    config = model.config
    new = config.model_copy(update={"image_size": grid * config.patch_size})
    if not config.adds_positions:
        return None
    resized = sincos2d(new) if config.pos_embed == "sincos2d" else model.pos_embed.detach().cpu()  # type: ignore[union-attr]
    if config.pos_embed == "learned" and grid != config.grid_size:
        resized = resize_positions(resized, config, new)
    return resized[0, config.num_prefix_tokens :]


def similarity(positions: Tensor) -> Tensor:
    """Cosine similarity of every position to every other one: (P, D) -> (P, P)."""
    unit = F.normalize(positions.float(), dim=1)
    return (unit @ unit.T).clamp(-1, 1)


@torch.no_grad()
def similarities(model: VisionTransformer) -> list[tuple[int, Tensor]]:
    """For each grid that the figure offers the similarities (P, P); empty for a model without position embeddings."""
    found = [(grid, positions_for(model, grid)) for grid in grids(model.config.grid_size)]
    return [(grid, similarity(positions)) for grid, positions in found if positions is not None]
