"""Position, opened: answers after the patch tokens changed places, and which places have alike embeddings."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vit.explain.perturbation import shuffle_contents
from vit.model import VisionTransformer
from vit.positions import sincos2d


@dataclass(frozen=True)
class Shuffles:
    """The same patch tokens in several orders. The first order is their own.

    Attributes:
        orders: (S, P), which patch's token lies at each place.
        given: (S, K), probabilities where each place keeps its position embedding.
        without: (S, K), probabilities without position embeddings.
    """

    orders: Tensor
    given: Tensor
    without: Tensor


def shuffles(model: VisionTransformer, image: Tensor, count: int = 5) -> Shuffles:
    """Let the tokens of one normalized image (1, C, H, W) change places ``count`` times, each time in another order.

    Computed in float64, in a copy of the model, so that rounding is far below what the order changes.

    Raises:
        VitError: If a part of the model is in training mode, or the image doesn't have its input size.
    """
    model, image = doubled(model), image.double()
    found = [shuffle_contents(model, image, seed) for seed in range(count)]
    own = torch.arange(model.config.num_patches)
    return Shuffles(
        torch.stack([own, *(one.order for one in found)]),
        torch.cat([found[0].before, *(one.after for one in found)]).cpu(),
        torch.cat([found[0].before_without, *(one.after_without for one in found)]).cpu(),
    )


def doubled(model: VisionTransformer) -> VisionTransformer:
    """A copy in float64, in the same mode."""
    device = model.head.weight.device
    copy = VisionTransformer(model.config).to(device, torch.float64).train(model.training)
    copy.load_state_dict(model.state_dict())
    return copy


def directions(places: Tensor) -> Tensor:
    """Positions (P, D) at length 1, so that a product of two is their cosine similarity."""
    return F.normalize(places.detach(), dim=-1).cpu()


def own_directions(model: VisionTransformer) -> Tensor | None:
    """Those of the patches in a model (P, D), None if it has no position embeddings."""
    return None if model.pos_embed is None else directions(model.pos_embed[0, model.config.num_prefix_tokens :])


def sincos_directions(model: VisionTransformer) -> Tensor:
    """Those of the fixed sine-cosine positions for the same grid and width (P, D), which has to be a multiple of 4."""
    config = model.config.model_copy(update={"embed_dim": model.config.embed_dim // 4 * 4})
    return directions(sincos2d(config)[0, config.num_prefix_tokens :])
