"""Positions that are computed, not learned: sines and cosines for tokens, rotations for queries and keys.

Shapes: B batch, N tokens, D embed_dim, h heads, d head_dim.
"""

import torch
from torch import Tensor

from vit.config import ModelConfig

ROPE_TEMPERATURE = 10.0  # of timm's axial rotary positions: waves of 6 to 60 patches, for grids of 4 to 16 a side


def sincos2d(config: ModelConfig, temperature: float = 10_000.0) -> Tensor:
    """Fixed 2-D sine-cosine positions (MoCo v3, arXiv:2104.02057); prefix tokens get zeros: (1, N, D)."""
    quarter = config.embed_dim // 4
    y, x = torch.meshgrid(*[torch.arange(config.grid_size, dtype=torch.float32)] * 2, indexing="ij")
    omega = temperature ** -(torch.arange(quarter) / max(1, quarter - 1))
    angles = [axis.flatten()[:, None] * omega for axis in (x, y)]  # each (num_patches, D/4)
    patches = torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1)
    return torch.cat([torch.zeros(config.num_prefix_tokens, config.embed_dim), patches])[None]


def rope2d(config: ModelConfig) -> Tensor:
    """Cosines and sines of the angles by which a patch's place turns queries and keys: (N, d/2, 2), see ``rotate``.

    Half of the angles grow with the column, half with the row, as in timm's axial rotary positions (Heo et al. 2024,
    arXiv:2403.13298); prefix tokens are not turned.
    """
    quarter = config.head_dim // 4
    y, x = torch.meshgrid(*[torch.arange(config.grid_size, dtype=torch.float32)] * 2, indexing="ij")
    omega = ROPE_TEMPERATURE ** -(torch.arange(quarter) / quarter)
    angles = torch.cat([axis.flatten()[:, None] * omega for axis in (x, y)], dim=1)  # (num_patches, d/2)
    angles = torch.cat([torch.zeros(config.num_prefix_tokens, 2 * quarter), angles])
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn pairs of a token's numbers by the angles of its place: (B, h, N, d) -> same.

    The product of a query and a key then depends on the distance of their places, not on the places themselves (Su et
    al. 2021, RoFormer, arXiv:2104.09864). A pair is a complex number, and turning it a product, which is also the
    fastest way on a CPU.
    """
    pairs = torch.view_as_complex(x.to(rotation.dtype).unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.view_as_complex(rotation)).flatten(-2).to(x.dtype)
