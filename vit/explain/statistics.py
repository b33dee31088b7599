"""What heads are like, from attention alone. All (L, B, h), means over queries."""

import torch
from torch import Tensor

from vit.errors import VitError
from vit.explain.trace import Trace


def attention_distance(trace: Trace) -> Tensor:
    """How far patches look, in patch sides (figure 7 of Dosovitskiy et al. 2020, arXiv:2010.11929): (L, B, h).

    Prefix tokens have no place: they are left out and the rows are stretched to sum to 1 again. A head whose patches
    look at prefix tokens alone has distance 0.
    """
    prefix = trace.num_prefix_tokens
    attention = trace.attention[..., prefix:, prefix:]
    attention = attention / attention.sum(-1, keepdim=True).clamp_min(torch.finfo(attention.dtype).tiny)
    return (attention * patch_distances(trace.grid_size).to(attention)).sum(-1).mean(-1)


def patch_distances(grid_size: int) -> Tensor:
    """Distances between the middles of patches, in patch sides: (P, P)."""
    places = torch.cartesian_prod(torch.arange(grid_size), torch.arange(grid_size)).double()
    return torch.cdist(places, places)


def entropy(trace: Trace) -> Tensor:
    """How widely tokens spread their attention, in nats: 0 for one token, log N for all alike: (L, B, h)."""
    return torch.special.entr(trace.attention).sum(-1).mean(-1)


def class_token_share(trace: Trace) -> Tensor:
    """Share of the patches' attention that goes to the class token: (L, B, h).

    Raises:
        VitError: If the model has no class token.
    """
    if trace.pool != "cls":
        raise VitError("this model averages its patches and has no class token that could be looked at")
    return trace.attention[..., trace.num_prefix_tokens :, 0].mean(-1)


def head_similarity(trace: Trace) -> Tensor:
    """Cosine similarity of the attention of heads in one layer: (L, B, h, h); 1 on the diagonal."""
    flat = torch.nn.functional.normalize(trace.attention.flatten(-2), dim=-1)
    return flat @ flat.transpose(-1, -2)


def decision_depth(answers: Tensor) -> Tensor:
    """After how many blocks the answer is the final one and stays it: ``lens.pooled_lens`` (L + 1, B, K) -> (B,)."""
    agrees = (answers.argmax(-1) == answers[-1].argmax(-1)).long()  # (L + 1, B)
    return len(answers) - agrees.flip(0).cumprod(0).sum(0)
