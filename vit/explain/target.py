"""What is explained: one class, or why one class and not another.

Gradients and differences are taken of the logit. Softmax is never part of them, because its gradient vanishes where a
model is sure; probabilities are for people and for curves.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.errors import VitError
from vit.explain.trace import check_index


@dataclass(frozen=True)
class Contrast:
    """Why class ``a`` and not class ``b``: logit a minus logit b."""

    a: int
    b: int


Target = int | Contrast | Tensor  # a tensor (B,) of classes names one for each image


def logit(logits: Tensor, target: Target) -> Tensor:
    """The number to explain: (B, ..., K) -> (B, ...).

    Raises:
        VitError: If there is no such class, or a logit isn't a finite number.
    """
    check_finite(logits)
    if isinstance(target, Contrast):
        return _pick(logits, target.a) - _pick(logits, target.b)
    return _pick(logits, target)


def probability(logits: Tensor, target: Target) -> Tensor:
    """The target's probability, of a contrast that of ``a`` among the two: (B, ..., K) -> (B, ...)."""
    return log_odds(logits, target).sigmoid()


def log_odds(logits: Tensor, target: Target) -> Tensor:
    """log p / (1 - p) of that probability; in the same order, but it never saturates: (B, ..., K) -> (B, ...)."""
    if isinstance(target, Contrast):
        return logit(logits, target)
    own = logit(logits, target)
    is_own = torch.arange(logits.shape[-1], device=logits.device) == _classes(logits, target)
    return own - logits.masked_fill(is_own, -torch.inf).logsumexp(-1)


def wins(logits: Tensor, target: Target) -> Tensor:
    """Whether the target is the model's answer, of a contrast whether a beats b: (B, ..., K) -> bool (B, ...)."""
    return logit(logits, target) > 0 if isinstance(target, Contrast) else logit(logits, target) == logits.amax(-1)


def check_finite(logits: Tensor) -> None:
    """Refuse an answer that isn't a number."""
    if not logits.isfinite().all():
        raise VitError(
            "this model's answer is not a number, because its weights or the image hold NaN or infinity, so there is "
            "nothing to explain; choose an earlier checkpoint of its run or another model"
        )


def _pick(logits: Tensor, target: int | Tensor) -> Tensor:
    classes = _classes(logits, target).expand(*logits.shape[:-1], 1)
    return logits.gather(-1, classes).squeeze(-1)


def _classes(logits: Tensor, target: int | Tensor) -> Tensor:
    """Classes with as many dimensions as the logits, the last one of size 1."""
    classes = torch.as_tensor(target, device=logits.device)
    for index in {int(classes.min()), int(classes.max())}:
        check_index("class", index, logits.shape[-1])
    return classes.view(-1, *[1] * (logits.ndim - 1))
