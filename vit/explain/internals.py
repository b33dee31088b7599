"""Inside a model: what its head would say early, what each part adds to the answer, its filters and positions."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vit.errors import VitError
from vit.explain.attention import pooling_weights
from vit.explain.target import Target, logit
from vit.explain.trace import Trace, blocks, read_out, trace
from vit.model import VisionTransformer


def logit_lens(model: VisionTransformer, trace: Trace) -> Tensor:
    """The head's answer to every single token after every layer (nostalgebraist 2020): (L + 1, B, N, K)."""
    with torch.no_grad():
        return model.head(model.fc_norm(model.norm(trace.residuals)))


def pooled_lens(model: VisionTransformer, trace: Trace) -> Tensor:
    """The head's answer if the encoder ended after each layer: (L + 1, B, K); the last is the model's own."""
    with torch.no_grad():
        return torch.stack([read_out(model, tokens) for tokens in trace.residuals])


def decision_depth(answers: Tensor) -> Tensor:
    """After how many blocks the answer is the final one and stays it: ``pooled_lens`` (L + 1, B, K) -> (B,)."""
    agrees = (answers.argmax(-1) == answers[-1].argmax(-1)).long()  # (L + 1, B)
    return len(answers) - agrees.flip(0).cumprod(0).sum(0)


@dataclass(frozen=True)
class Contributions:
    """What each part adds to the target's logit; all of it together is the logit."""

    embedding: Tensor  # (B,), tokens before the first block
    heads: Tensor  # (B, L, h)
    attention_bias: Tensor  # (B, L), of the attention's output projection
    mlp: Tensor  # (B, L)
    head_bias: Tensor  # (B,), of the last norm and the classifier, the same for every image

    def total(self) -> Tensor:
        """Their sum, (B,)."""
        per_layer = self.heads.sum(-1) + self.attention_bias + self.mlp
        return self.embedding + per_layer.sum(-1) + self.head_bias


def direct_logit_attribution(model: VisionTransformer, inputs: Tensor, target: Target) -> Contributions:
    """Split the target's logit by what wrote it into the residual (Elhage et al. 2021, transformer-circuits.pub).

    The last LayerNorm is frozen at its deviation for this image, which makes the rest a sum. A part counts what it
    writes itself, not what later parts make of it.
    """
    seen = trace(model, inputs)
    logit(seen.logits, target)
    with torch.no_grad():
        heads, bias, mlp = _written(model, seen)
        pooled = pooling_weights(seen) @ seen.residuals  # (L + 1, B, D)
        direction, head_bias = _reader(model, pooled[-1], target)
        parts = (pooled[0], heads.permute(1, 0, 2, 3), bias.transpose(0, 1), mlp.transpose(0, 1))  # (B, ..., D)
        centered = [part - part.mean(-1, keepdim=True) for part in parts]
        embedding, per_head, attention_bias, per_mlp = (
            (part * direction.view(len(part), *[1] * (part.ndim - 2), -1)).sum(-1) for part in centered
        )
        return Contributions(embedding, per_head, attention_bias, per_mlp, head_bias)


def _written(model: VisionTransformer, seen: Trace) -> tuple[Tensor, Tensor, Tensor]:
    """What heads (L, B, h, D), projection biases and MLPs (both (L, B, D)) write, as the pooling reads it."""
    pooling = pooling_weights(seen)
    mixed = (pooling @ (seen.attention @ seen.values)).unsqueeze(-2)  # (L, B, h, 1, d)
    weights = torch.stack([block.attn.proj.weight.T.unflatten(0, (seen.num_heads, -1)) for block in blocks(model)])
    heads = (mixed @ weights[:, None]).squeeze(-2)  # (L, B, h, D)
    bias = torch.stack([block.attn.proj.bias for block in blocks(model)])[:, None].expand(-1, heads.shape[1], -1)
    change = (pooling @ seen.residuals).diff(dim=0)
    return heads, bias, change - heads.sum(2) - bias


def _reader(model: VisionTransformer, pooled: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """The last norm, frozen for pooled tokens (B, D), and the target's classifier: direction (B, D) and bias (B,)."""
    norm = model.norm if model.config.pool == "cls" else model.fc_norm
    assert isinstance(norm, nn.LayerNorm)
    weight = logit(model.head.weight.T.expand(len(pooled), -1, -1), target)  # (B, D)
    bias = logit(model.head.bias.expand(len(pooled), -1), target)
    deviation = (pooled.var(-1, correction=0, keepdim=True) + norm.eps).sqrt()
    return norm.weight * weight / deviation, weight @ norm.bias + bias


def position_similarity(model: VisionTransformer) -> Tensor:
    """Cosine similarity of the patches' position embeddings (figure 7 of arXiv:2010.11929): (P, P).

    Raises:
        VitError: If the model has no position embeddings.
    """
    if model.pos_embed is None:
        kind = model.config.pos_embed
        raise VitError(f"this model adds no position embeddings (pos_embed is {kind}), so there is nothing to compare")
    places = nn.functional.normalize(model.pos_embed.detach()[0, model.config.num_prefix_tokens :], dim=-1)
    return places @ places.T


@dataclass(frozen=True)
class Filters:
    """Principal components of a layer's filters."""

    components: Tensor  # (n, C, s, s), orthonormal, most explaining first; their signs mean nothing
    explained: Tensor  # (n,), share of the filters' variance
    layer: str  # whose filters they are, as in the state dict


def patch_filters_pca(model: VisionTransformer, count: int = 28) -> Filters:
    """What the first layer looks for, at most ``count``, in order of importance (figure 7 of arXiv:2010.11929).

    Behind a convolutional stem patches have no pixels any more; there it is the stem's first convolution.
    """
    name = "patch_embed.stem.0" if model.config.is_hybrid else "patch_embed.proj"
    weight = model.get_parameter(f"{name}.weight").detach().cpu()
    flat = weight.flatten(1) - weight.flatten(1).mean(0)
    _, deviations, components = torch.linalg.svd(flat, full_matrices=False)
    explained = deviations**2 / (deviations**2).sum().clamp_min(torch.finfo(flat.dtype).tiny)
    return Filters(components[:count].unflatten(1, weight.shape[1:]), explained[:count], name)


def token_norms(trace: Trace) -> Tensor:
    """Length of every token after every layer: (L + 1, B, N).

    A few patches far longer than the others hold global notes instead of their place (Darcet et al. 2023,
    arXiv:2309.16588).
    """
    return trace.residuals.norm(dim=-1)
