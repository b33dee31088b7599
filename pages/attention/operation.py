"""What a person has switched off, what the model says then, and the images that means are taken over."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.attention.subject import Subject, cached
from pages.shared import models
from vit import images, samples
from vit.data import catalog

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.surgery import Means
    from vit.explain.trace import Changes

ZERO, MEAN, SCALED = "zero", "mean", "scaled"
HOWS = {ZERO: "zero", MEAN: "their mean over images", SCALED: "scaled output"}
MOST_PERCENT = 200
MEAN_IMAGES = 64
DROP = "drop"
EDITS = {DROP: "removed", "paint": "painted in the mean color", "blur": "blurred", "shuffle": "shuffled"}


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
    """The image that the model got, and the probabilities that it gave."""

    seen: Image.Image
    probabilities: tuple[float, ...]


def parse(subject: Subject, raw: dict) -> Operation:
    """What the browser sent, as far as this model has such parts."""
    config = subject.info.model
    heads = [pair for pair in _pairs(raw, "heads") if pair[0] < config.depth and pair[1] < config.num_heads]
    branches = [pair for pair in _pairs(raw, "branches") if pair[0] < config.depth and pair[1] < 2]
    patches = [int(patch) for patch in raw.get("patches", []) if 0 <= patch < config.num_patches]
    edit, how = raw.get("edit", DROP), raw.get("how", ZERO)
    edit, how = edit if edit in EDITS else DROP, how if how in hows(subject) else ZERO
    percent = min(MOST_PERCENT, max(0, int(raw.get("percent", 0)))) if how == SCALED else 0
    return Operation(tuple(heads), tuple(branches), how, percent, tuple(patches), edit)


def hows(subject: Subject) -> dict[str, str]:
    """What switched parts can give: a mean only where there are images to take it over."""
    classes = subject.info.classes
    has_images = bool(test_source(classes) or _shipped(classes))
    return {how: words for how, words in HOWS.items() if how != MEAN or has_images}


def _pairs(raw: dict, name: str) -> list[tuple[int, int]]:
    return [(int(first), int(second)) for first, second in raw.get(name, []) if min(first, second) >= 0]


@cached(300)
def outcome(subject: Subject, operation: Operation) -> Outcome:
    """Ask the model under an operation."""
    from vit.explain import perturbation, surgery

    model, inputs = subject.loaded()
    chosen = _chosen(subject, operation)
    if operation.edit != DROP:
        inputs = perturbation.edited(inputs, chosen, operation.edit)
    logits = surgery.operate(model, inputs, _changes(subject, operation, chosen))
    seen = models.predictor(subject.model).image(inputs)
    return Outcome(seen, tuple(logits[0].softmax(-1).tolist()))


def _changes(subject: Subject, operation: Operation, chosen: "Tensor") -> "Changes":
    """An operation as the engine knows it."""
    from vit.explain.trace import Changes

    head_scale, block_scale = (scale[None] for scale in _scales(subject, operation))
    mean = means(subject) if operation.how == MEAN else None
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


def test_source(classes: tuple[str, ...]) -> str:
    """A data set with test images of exactly these classes; empty if there is none."""
    fitting = (
        info for info in catalog.list_datasets() if set(info.classes) == set(classes) and info.counts.get("test")
    )
    return next((info.name for info in fitting), "")


@st.cache_resource(
    max_entries=3,
    show_spinner="Taking the mean over images",
    hash_funcs={Subject: lambda subject: (*subject.answer.version, test_source(subject.info.classes))},
)
def means(subject: Subject) -> "Means":
    """What each part gives on average over test images, or else over the shipped samples."""
    from vit.explain import surgery

    predictor = models.predictor(subject.model)
    seen = [predictor.see(image) for image in _reference_images(subject.info.classes)]
    return surgery.means(predictor.model, predictor.inputs(seen))


def _reference_images(classes: tuple[str, ...]) -> list[Image.Image]:
    source = test_source(classes)
    if source:
        return [sample.image for sample in catalog.samples(source, "test", MEAN_IMAGES)]
    return [images.decode(sample.path.read_bytes(), sample.name).image for sample in _shipped(classes)]


def _shipped(classes: tuple[str, ...]) -> list[samples.Sample]:
    return [sample for sample in samples.list_samples() if sample.label in classes]
