"""What a model has learned without any picture: its filters, its places, and the size of its tokens."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.errors import VitError
from vit.explain.trace import Trace
from vit.model import VisionTransformer


def position_similarity(model: VisionTransformer) -> Tensor:
    """Cosine similarity of the patches' position embeddings (figure 7 of arXiv:2010.11929): (P, P).

    Raises:
        VitError: If the model has no position embeddings.
    """
    if model.pos_embed is None:
        raise VitError("this model has no position embeddings (pos_embed is none), so there is nothing to compare")
    places = torch.nn.functional.normalize(model.pos_embed.detach()[0, model.config.num_prefix_tokens :], dim=-1)
    return places @ places.T


@dataclass(frozen=True)
class Filters:
    """Principal components of a layer's filters.

    Attributes:
        components: (n, C, s, s), orthonormal, most explaining first; their signs mean nothing.
        explained: (n,), share of the filters' variance.
        layer: Whose filters they are, as in the state dict.
    """

    components: Tensor
    explained: Tensor
    layer: str


def patch_filters_pca(model: VisionTransformer, count: int = 28) -> Filters:
    """What the first layer looks for, in order of importance (figure 7 of arXiv:2010.11929).

    Behind a convolutional stem patches have no pixels any more; there it is the stem's first convolution.

    Args:
        model: Any.
        count: Components; fewer where there aren't as many.
    """
    is_patch = model.config.stem == "patch"
    layer = model.patch_embed.proj if is_patch else model.patch_embed.stem[0]
    weight = layer.weight.detach()
    flat = weight.flatten(1) - weight.flatten(1).mean(0)
    _, deviations, components = torch.linalg.svd(flat, full_matrices=False)
    explained = deviations**2 / (deviations**2).sum().clamp_min(torch.finfo(flat.dtype).tiny)
    name = "patch_embed.proj" if is_patch else "patch_embed.stem.0"
    return Filters(components[:count].unflatten(1, weight.shape[1:]), explained[:count], name)


def token_norms(trace: Trace) -> Tensor:
    """Length of every token after every layer: (L + 1, B, N).

    A few patches far longer than the others hold global notes instead of their place (Darcet et al. 2023,
    arXiv:2309.16588).
    """
    return trace.residuals.norm(dim=-1)
