"""One image on its way through the whole model: shapes, parameters, and what the head would say at each stage."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.explain.internals import logit_lens, pooled_lens
from vit.explain.trace import Trace, trace
from vit.model import VisionTransformer

GROUPS: tuple[str, ...] = ("embedding", "attention", "mlp", "norms", "head")


@dataclass(frozen=True)
class Stage:
    """What there is after a part of the model, for one image.

    Attributes:
        kind: "image", "stem", "patches", "tokens", "block", "norm", "pool", "head" or "answer".
        shape: Of its output, without the batch.
        parameters: Of this part, fixed position embeddings included.
        norms: (P,), length of each patch's token; None where there are none.
        shares: (P,), what the head would give a class if it read this token alone; None likewise.
        answer: (K,), probabilities if the encoder ended here; None before there are tokens.
    """

    kind: str
    shape: tuple[int, ...]
    parameters: int = 0
    norms: Tensor | None = None
    shares: Tensor | None = None
    answer: Tensor | None = None


def group_of(name: str) -> str:
    """Which of ``GROUPS`` a parameter belongs to, by its name in the state dict."""
    if name.startswith("patch_embed."):
        return "embedding"
    marks = {".attn.": "attention", ".mlp.": "mlp", "norm": "norms", "head.": "head"}
    return next((group for mark, group in marks.items() if mark in name), "embedding")


def parameters(model: VisionTransformer, prefix: str = "") -> dict[str, int]:
    """How many numbers each group holds, of the tensors whose name begins with a prefix."""
    counts = dict.fromkeys(GROUPS, 0)
    for name, tensor in model.state_dict().items():
        if name.startswith(prefix):
            counts[group_of(name)] += tensor.numel()
    return counts


@torch.no_grad()
def stages(model: VisionTransformer, inputs: Tensor, target: int) -> list[Stage]:
    """All stages for one image (1, C, H, W); ``target`` is the class of ``Stage.shares``.

    Raises:
        VitError: If the model is in training mode, or the image doesn't have its input size.
    """
    seen = trace(model, inputs)
    return [*_before(model, inputs), *_encoder(model, seen, target), *_behind(model, seen)]


def _before(model: VisionTransformer, inputs: Tensor) -> list[Stage]:
    """From the image to one token for each patch."""
    embed = model.patch_embed
    found = [Stage("image", tuple(inputs.shape[1:]))]
    if model.config.is_hybrid:
        features = embed.stem(inputs.contiguous(memory_format=embed.memory_format))
        found.append(Stage("stem", tuple(features.shape[1:]), _count(model, "patch_embed.stem.")))
    patches = embed(inputs)[0]
    return [*found, Stage("patches", tuple(patches.shape), _count(model, "patch_embed.proj."), patches.norm(dim=-1))]


def _encoder(model: VisionTransformer, seen: Trace, target: int) -> list[Stage]:
    """All tokens with their positions, and after each block."""
    own = slice(seen.num_prefix_tokens, None)
    shares = logit_lens(model, seen)[:, 0, own].softmax(-1)[..., target]  # (L + 1, P)
    answers = pooled_lens(model, seen)[:, 0].softmax(-1)  # (L + 1, K)
    sizes = [sum(_count(model, name) for name in ("cls_token", "reg_token", "pos_embed"))]
    sizes += [_count(model, f"blocks.{layer}.") for layer in range(seen.depth)]
    return [
        Stage("block" if place else "tokens", tuple(tokens.shape), sizes[place], tokens[own].norm(dim=-1), *says)
        for place, (tokens, *says) in enumerate(zip(seen.residuals[:, 0], shares, answers, strict=True))
    ]


def _behind(model: VisionTransformer, seen: Trace) -> list[Stage]:
    """From the tokens after the last block to probabilities; norm and pooling in the model's own order."""
    tokens, answer = seen.residuals[-1, 0], seen.logits[0].softmax(-1)
    own, size = slice(seen.num_prefix_tokens, None), _count(model, "norm.") + _count(model, "fc_norm.")
    if seen.pool == "cls":
        normed = model.norm(tokens)
        norm = Stage("norm", tuple(normed.shape), size, normed[own].norm(dim=-1), answer=answer)
        both = [norm, Stage("pool", tuple(normed[0].shape), answer=answer)]
    else:
        pooled = tokens[own].mean(0)
        normed = model.fc_norm(pooled)
        norm = Stage("norm", tuple(normed.shape), size, answer=answer)
        both = [Stage("pool", tuple(pooled.shape), answer=answer), norm]
    last = [Stage("head", tuple(seen.logits[0].shape), _count(model, "head.")), Stage("answer", tuple(answer.shape))]
    return [*both, *(Stage(stage.kind, stage.shape, stage.parameters, answer=answer) for stage in last)]


def _count(model: VisionTransformer, prefix: str) -> int:
    return sum(parameters(model, prefix).values())


@torch.no_grad()
def votes(model: VisionTransformer, seen: Trace) -> Tensor:
    """Which class the head would answer for each patch's token alone after the last block: (P,)."""
    return logit_lens(model, seen)[-1, 0, seen.num_prefix_tokens :].argmax(-1)


@torch.no_grad()
def mean_instead(model: VisionTransformer, seen: Trace) -> Tensor:
    """What a class-token model would say if its head read the mean of the normed patches: probabilities (K,)."""
    normed = model.norm(seen.residuals[-1, :, seen.num_prefix_tokens :])
    return model.head(normed.mean(1))[0].softmax(-1)
