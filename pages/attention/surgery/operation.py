"""What a person has switched off, and what the model says then."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.attention import asked
from pages.attention.asked import Question
from pages.attention.subject import Subject
from pages.attention.surgery import reference

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.trace import Changes

ZERO, MEAN, SCALED = "zero", "mean", "scaled"
HOWS = {ZERO: "nothing", MEAN: "their mean over pictures", SCALED: "a share of themselves"}
MOST_PERCENT = 200
DROP = "drop"
EDITS = {DROP: "drop the token", "paint": "paint in mean colour", "blur": "blur", "shuffle": "shuffle or swap"}


@dataclass(frozen=True)
class Operation:
    """What is changed.

    Attributes:
        heads: Pairs of layer and head that are switched.
        branches: Pairs of layer and 0 for its attention or 1 for its MLP.
        how: What switched parts give, one of ``HOWS``.
        percent: How much of themselves where they are ``SCALED``; 0 otherwise.
        patches: Places in reading order.
        edit: What happens to the patches, one of ``EDITS``.
    """

    heads: tuple[tuple[int, int], ...] = ()
    branches: tuple[tuple[int, int], ...] = ()
    how: str = ZERO
    percent: int = 0
    patches: tuple[int, ...] = ()
    edit: str = DROP


@dataclass(frozen=True)
class Outcome:
    """The picture that the model got, and the probabilities that it gave."""

    seen: Image.Image
    probabilities: tuple[float, ...]


def parse(subject: Subject, raw: dict) -> Operation:
    """What the browser sent, as far as this model has such parts."""
    config = subject.info.model
    heads = [pair for pair in _pairs(raw, "heads") if pair[0] < config.depth and pair[1] < config.num_heads]
    branches = [pair for pair in _pairs(raw, "branches") if pair[0] < config.depth and pair[1] < 2]
    patches = [int(patch) for patch in raw.get("patches", []) if 0 <= patch < config.num_patches]
    edit = raw.get("edit") if raw.get("edit") in EDITS else DROP
    how = raw.get("how") if raw.get("how") in hows(subject) else ZERO
    percent = min(MOST_PERCENT, max(0, int(raw.get("percent", 0)))) if how == SCALED else 0
    return Operation(tuple(heads), tuple(branches), how, percent, tuple(patches), edit)


def hows(subject: Subject) -> dict[str, str]:
    """What switched parts can give: a mean only where there are pictures to take it over."""
    return {how: words for how, words in HOWS.items() if how != MEAN or reference.has_pictures(subject)}


def _pairs(raw: dict, name: str) -> list[tuple[int, int]]:
    return [(int(first), int(second)) for first, second in raw.get(name, []) if min(first, second) >= 0]


def outcome(subject: Subject, operation: Operation) -> Outcome:
    """Ask the model under an operation."""
    return _outcome(asked.question(subject), operation, subject)


@st.cache_resource(max_entries=300, show_spinner=False)
def _outcome(question: Question, operation: Operation, _subject: Subject) -> Outcome:
    from vit.explain import surgery

    predictor, inputs = asked.predictor_and_inputs(_subject)
    chosen = _chosen(_subject, operation)
    inputs = _edited(inputs, chosen, operation)
    logits = surgery.operate(predictor.model, inputs, _changes(_subject, operation, chosen))
    return Outcome(predictor.picture(inputs), tuple(logits[0].softmax(-1).tolist()))


def _changes(subject: Subject, operation: Operation, chosen: "Tensor") -> "Changes":
    """An operation as the engine knows it."""
    from vit.explain.trace import Changes

    head_scale, block_scale = (scale[None] for scale in _scales(subject, operation))
    mean = reference.means(subject) if operation.how == MEAN else None
    return Changes(
        head_scale=head_scale,
        head_fill=mean and mean.heads,
        block_scale=block_scale,
        block_fill=mean and mean.branches,
        key_mask=_key_mask(subject, chosen) if operation.edit == DROP else None,
    )


def _chosen(subject: Subject, operation: Operation) -> "Tensor":
    """The chosen patches as bool (g, g)."""
    import torch

    chosen = torch.zeros(subject.info.model.num_patches, dtype=torch.bool)
    chosen[list(operation.patches)] = True
    return chosen.unflatten(0, (subject.info.model.grid_size, -1))


def _edited(inputs: "Tensor", chosen: "Tensor", operation: Operation) -> "Tensor":
    from vit.explain import perturbation

    return inputs if operation.edit == DROP else perturbation.edited(inputs, chosen, operation.edit)


def _key_mask(subject: Subject, chosen: "Tensor") -> "Tensor":
    from torch.nn.functional import pad

    return pad(~chosen.flatten()[None], (subject.info.model.num_prefix_tokens, 0), value=True)


def _scales(subject: Subject, operation: Operation) -> tuple["Tensor", "Tensor"]:
    """1 for everything that is on: (L, h) and (L, 2)."""
    import torch

    config = subject.info.model
    heads, branches = torch.ones(config.depth, config.num_heads), torch.ones(config.depth, 2)
    for layer, head in operation.heads:
        heads[layer, head] = operation.percent / 100
    for layer, branch in operation.branches:
        branches[layer, branch] = operation.percent / 100
    return heads, branches
