"""What a person has switched off, the prediction with it, and the images that means are taken over."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.attention.subject import Subject, cached
from pages.shared import datasets, models
from vit import images, samples
from vit.data import catalog

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.ablation import Means
    from vit.explain.trace import Changes

ZERO, MEAN, SCALED = "zero", "mean", "scaled"
HOWS = {ZERO: "zero", MEAN: "their mean over images", SCALED: "scaled output"}
MOST_PERCENT = 200
MEAN_IMAGES = 64
DROP = "drop"
EDITS = {DROP: "removed", "paint": "painted in the mean color", "blur": "blurred", "shuffle": "shuffled"}


@dataclass(frozen=True)
class Switches:
    """Heads, branches and patches that are switched off, and how."""

    heads: tuple[tuple[int, int], ...] = ()  # pairs of layer and head that are switched
    branches: tuple[tuple[int, int], ...] = ()  # pairs of layer and 0 for its attention or 1 for its MLP
    how: str = ZERO  # what switched parts give, one of ``HOWS``
    percent: int = 0  # how much of themselves where they are ``SCALED``; 0 otherwise
    patches: tuple[int, ...] = ()  # places in reading order
    edit: str = DROP  # what happens to the patches, one of ``EDITS``


@dataclass(frozen=True)
class Outcome:
    """The image that the model got, and the probabilities that it gave."""

    seen: Image.Image
    probabilities: tuple[float, ...]


def parse(subject: Subject, raw: dict) -> Switches:
    """What the browser sent, as far as this model has such parts."""
    config = subject.info.model

    def pairs(name: str, columns: int) -> tuple[tuple[int, int], ...]:
        sent = [(int(layer), int(index)) for layer, index in raw.get(name, [])]
        return tuple(pair for pair in sent if 0 <= pair[0] < config.depth and 0 <= pair[1] < columns)

    patches = tuple(int(patch) for patch in raw.get("patches", []) if 0 <= patch < config.num_patches)
    edit, how = raw.get("edit", DROP), raw.get("how", ZERO)
    edit, how = edit if edit in EDITS else DROP, how if how in hows(subject) else ZERO
    percent = min(MOST_PERCENT, max(0, int(raw.get("percent", 0)))) if how == SCALED else 0
    return Switches(pairs("heads", config.num_heads), pairs("branches", 2), how, percent, patches, edit)


def hows(subject: Subject) -> dict[str, str]:
    """What switched parts can give: a mean only where there are images to take it over."""
    classes = subject.info.classes
    has_images = bool(test_source(classes) or _shipped(classes))
    return {how: words for how, words in HOWS.items() if how != MEAN or has_images}


@cached(300)
def outcome(subject: Subject, switches: Switches) -> Outcome:
    """The prediction with these switches."""
    import torch
    from torch.nn.functional import pad

    from vit.explain import ablation, perturbation

    model, inputs = subject.loaded()
    config, key_mask = subject.info.model, None
    chosen = torch.zeros(config.num_patches, dtype=torch.bool)
    chosen[list(switches.patches)] = True
    if switches.edit == DROP:
        key_mask = pad(~chosen[None], (config.num_prefix_tokens, 0), value=True)
    else:
        inputs = perturbation.edited(inputs, chosen.unflatten(0, (config.grid_size, -1)), switches.edit)
    logits = ablation.ablate(model, inputs, _changes(subject, switches, key_mask))
    seen = models.predictor(subject.model).image(inputs)
    return Outcome(seen, tuple(logits[0].softmax(-1).tolist()))


def _changes(subject: Subject, switches: Switches, key_mask: "Tensor | None") -> "Changes":
    """The switches as the engine takes them; the scale of everything that is on is 1."""
    import torch

    from vit.explain.trace import Changes

    config = subject.info.model
    heads, branches = torch.ones(1, config.depth, config.num_heads), torch.ones(1, config.depth, 2)
    for scale, pairs in ((heads, switches.heads), (branches, switches.branches)):
        for layer, index in pairs:
            scale[0, layer, index] = switches.percent / 100
    mean = means(subject) if switches.how == MEAN else None
    fills = {"head_fill": mean.heads, "block_fill": mean.branches} if mean else {}
    return Changes(head_scale=heads, block_scale=branches, key_mask=key_mask, **fills)


def test_source(classes: tuple[str, ...]) -> str:
    """A data set with test images of exactly these classes; empty if there is none."""
    return next(iter(datasets.fitting(classes)), "")


@st.cache_resource(
    max_entries=3,
    show_spinner="Taking the mean over images",
    hash_funcs={Subject: lambda subject: (*subject.answer.version, test_source(subject.info.classes))},
)
def means(subject: Subject) -> "Means":
    """What each part gives on average over test images, or else over the shipped samples."""
    from vit.explain import ablation

    predictor, source = models.predictor(subject.model), test_source(subject.info.classes)
    if source:
        found = [sample.image for sample in catalog.samples(source, "test", MEAN_IMAGES)]
    else:
        shipped = _shipped(subject.info.classes)
        found = [images.decode(sample.path.read_bytes(), sample.name).image for sample in shipped]
    return ablation.means(predictor.model, predictor.inputs([predictor.see(image) for image in found]))


def _shipped(classes: tuple[str, ...]) -> list[samples.Sample]:
    return [sample for sample in samples.list_samples() if sample.label in classes]
