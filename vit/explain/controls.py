"""Maps that know nothing of the model, and a model that knows nothing: what an explanation has to beat."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.explain.gradients import per_patch
from vit.model import VisionTransformer

LUMA = (0.299, 0.587, 0.114)


def random_map(model: VisionTransformer, inputs: Tensor, seed: int = 0) -> Tensor:
    """Uniform noise in [0, 1), another for each picture: (B, g, g)."""
    shape = (len(inputs), model.config.grid_size, model.config.grid_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(inputs)


def edges(model: VisionTransformer, inputs: Tensor) -> Tensor:
    """How strong edges are in each patch, by Sobel's filter on brightness: (B, g, g).

    A map that looks like this may be no more than an edge detector (Adebayo et al. 2018, arXiv:1810.03292).
    """
    weights = torch.tensor(LUMA if inputs.shape[1] == 3 else (1.0,)).to(inputs)
    grey = F.pad((inputs * weights.view(1, -1, 1, 1)).sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]).to(inputs)
    gradient = F.conv2d(grey, torch.stack([sobel, sobel.T])[:, None])  # (B, 2, H, W)
    return per_patch(model, gradient.norm(dim=1, keepdim=True))


def untrained(model: VisionTransformer, seed: int = 0) -> VisionTransformer:
    """The same architecture with fresh weights, in eval mode; the same ones for the same seed.

    Drawn like those of a new model, but from a generator of their own, so that nobody else's random numbers move.
    """
    fresh, generator = copy.deepcopy(model).requires_grad_(False), torch.Generator().manual_seed(seed)
    for module in fresh.modules():
        _reset(module, generator)
    for token in (fresh.cls_token, fresh.reg_token):
        if token is not None:
            token.normal_(std=1e-6, generator=generator)
    if isinstance(fresh.pos_embed, nn.Parameter):
        nn.init.trunc_normal_(fresh.pos_embed, std=0.02, generator=generator)
    return fresh


def _reset(module: nn.Module, generator: torch.Generator) -> None:
    """The starts of ``vit.model.init_weights`` and of torch's convolutions and norms."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02, generator=generator)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
    elif isinstance(module, nn.LayerNorm | nn.GroupNorm):
        nn.init.ones_(module.weight)
    if isinstance(module, nn.Conv2d) and module.bias is not None:
        bound = 1 / math.sqrt(module.weight[0].numel())
        nn.init.uniform_(module.bias, -bound, bound, generator=generator)
    elif isinstance(getattr(module, "bias", None), Tensor):
        nn.init.zeros_(module.bias)
