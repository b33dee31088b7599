"""What the head would say early, and what each part of the model adds to what it says in the end."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.explain.attention import pooling_weights
from vit.explain.target import Contrast, Target, logit
from vit.explain.trace import Trace, trace
from vit.explain.walk import read_out
from vit.model import VisionTransformer


def logit_lens(model: VisionTransformer, trace: Trace) -> Tensor:
    """The head's answer to every single token after every layer (nostalgebraist 2020): (L + 1, B, N, K)."""
    with torch.no_grad():
        return model.head(model.fc_norm(model.norm(trace.residuals)))


def pooled_lens(model: VisionTransformer, trace: Trace) -> Tensor:
    """The head's answer if the encoder ended after each layer: (L + 1, B, K); the last is the model's own."""
    with torch.no_grad():
        return torch.stack([read_out(model, tokens) for tokens in trace.residuals])


@dataclass(frozen=True)
class Contributions:
    """What each part adds to the target's logit; all of it together is the logit.

    Attributes:
        embedding: (B,), tokens before the first block.
        heads: (B, L, h).
        attention_bias: (B, L), of the attention's output projection.
        mlp: (B, L).
        head_bias: (B,), of the last norm and the classifier, the same for every picture.
    """

    embedding: Tensor
    heads: Tensor
    attention_bias: Tensor
    mlp: Tensor
    head_bias: Tensor

    def total(self) -> Tensor:
        """Their sum, (B,)."""
        per_layer = self.heads.sum(-1) + self.attention_bias + self.mlp
        return self.embedding + per_layer.sum(-1) + self.head_bias


def direct_logit_attribution(model: VisionTransformer, inputs: Tensor, target: Target) -> Contributions:
    """Split the target's logit by what wrote it into the residual (Elhage et al. 2021, transformer-circuits.pub).

    The last LayerNorm is frozen at its deviation for this picture, which makes the rest a sum. A part counts what it
    writes itself, not what later parts make of it.

    Raises:
        VitError: As ``methods.explain``.
    """
    seen = trace(model, inputs)
    logit(seen.logits, target)
    with torch.no_grad():
        heads, bias, mlp = _written(model, seen)
        pooled = pooling_weights(seen) @ seen.residuals  # (L + 1, B, D)
        read = _Reader(model, pooled[-1], target)
        parts = (pooled[0], heads.permute(1, 0, 2, 3), bias.transpose(0, 1), mlp.transpose(0, 1))
        return Contributions(*(read(part) for part in parts), read.bias.expand(len(inputs)))


def _written(model: VisionTransformer, seen: Trace) -> tuple[Tensor, Tensor, Tensor]:
    """What heads (L, B, h, D), projection biases and MLPs (both (L, B, D)) write, as the pooling reads it."""
    pooling = pooling_weights(seen)
    mixed = (pooling @ (seen.attention @ seen.values)).unsqueeze(-2)  # (L, B, h, 1, d)
    weights = torch.stack([block.attn.proj.weight.T.unflatten(0, (seen.num_heads, -1)) for block in model.blocks])
    heads = (mixed @ weights[:, None]).squeeze(-2)  # (L, B, h, D)
    bias = torch.stack([block.attn.proj.bias for block in model.blocks])[:, None].expand(-1, heads.shape[1], -1)
    change = (pooling @ seen.residuals).diff(dim=0)
    return heads, bias, change - heads.sum(2) - bias


class _Reader:
    """The last norm, frozen, and the classifier's row of the target: (B, ..., D) -> (B, ...)."""

    def __init__(self, model: VisionTransformer, pooled: Tensor, target: Target):
        norm = model.norm if model.config.pool == "cls" else model.fc_norm
        weight, bias = self._rows(model, target)  # (B or 1, D), (B or 1,)
        deviation = (pooled.var(-1, correction=0, keepdim=True) + norm.eps).sqrt()
        self.direction = norm.weight * weight / deviation  # (B, D)
        self.bias = weight @ norm.bias + bias

    def _rows(self, model: VisionTransformer, target: Target) -> tuple[Tensor, Tensor]:
        if isinstance(target, Contrast):
            (weight, bias), (other_weight, other_bias) = (self._rows(model, one) for one in (target.a, target.b))
            return weight - other_weight, bias - other_bias
        rows = torch.as_tensor(target, device=model.head.weight.device).view(-1)
        return model.head.weight[rows], model.head.bias[rows]

    def __call__(self, part: Tensor) -> Tensor:
        centred = part - part.mean(-1, keepdim=True)
        return (centred * self.direction.view(len(part), *[1] * (part.ndim - 2), -1)).sum(-1)
