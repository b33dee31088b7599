"""Chapter 8: one step at a time, then a recipe that fails and is repaired."""

import functools
import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.learn import lesson, repair
from pages.learn.lesson import Part
from pages.learn.reader import Reader
from pages.shared import component
from pages.shared.curves import significant
from pages.shared.inline import data_url
from vit import text
from vit.config import RunConfig
from vit.cost import num_parameters

if TYPE_CHECKING:
    from PIL import Image

    from vit.learn.slow import SlowStep

KEY = "training"
MOST = 0.6  # share of the steps from which on it is "most"
_computing = threading.Lock()
NAMES = {"adamw": "AdamW", "sgd": "SGD", "muon": "Muon"}

_figure = component.register("vit_lab_training", Path(__file__).with_suffix(".js"))


def draw(reader: Reader) -> None:
    """Steps in slow motion; then what makes training fail, and what repairs it."""
    lesson.prose(
        "A new model knows nothing: its weights are random. Training shows it a few images at a time, a **batch**, "
        "measures how wrong it is, and changes every weight a little so that it is less wrong. That is one **step**. "
        "A run is some thousands of them."
    )
    answered = lesson.question(KEY, *question())
    _figure(key=KEY, data=figure(answered))
    lesson.prose(words(reader.info.run))
    lesson.formula(KEY, *formula())
    repair.draw()
    lesson.try_it(
        "Train the recipe that fails, watch its loss, and see what the run doctor says about it.",
        "train",
        "Open the form with the recipe that fails",
        ":material/model_training:",
        {"preset": repair.PRESET},
    )


def steps() -> list["SlowStep"]:
    """The slow steps, the same for all visitors."""
    with _computing:
        return _steps()


@functools.cache
def _steps() -> list["SlowStep"]:
    from vit.learn import slow

    return slow.recorded()


def warm_up() -> None:
    """Compute the slow steps in the background, because torch's optimizers take seconds to load."""
    if not _steps.cache_info().currsize and not _computing.locked():
        threading.Thread(target=steps, name="slow-steps", daemon=True).start()


def question() -> tuple[str, list[str], int, str]:
    """Whether a step helps the batch that it was made from."""
    found = steps()
    count, better = len(found), sum(step.loss_after < step.loss for step in found)
    rises = sum(later.loss > earlier.loss for earlier, later in zip(found, found[1:], strict=False))
    options = [f"After all {count} steps", "After most steps, not all", "About as often lower as higher"]
    right = 0 if better == count else 1 if better >= MOST * count else 2
    because = (
        f"After {better} of {count} steps the same batch has a lower loss. Still, the curve rises {rises} times: each "
        "step gets another batch, and some batches are harder. This is why a training loss is noisy."
    )
    words = f"Below, a tiny model makes {count} steps. Is the loss of a batch lower right after the step made from it?"
    return words, options, right, because


def words(run: RunConfig) -> str:
    """What the parts of a step are called, and what the chosen model was trained with."""
    train = run.train
    name = NAMES[train.optimizer]
    warmup = "no warm-up"
    if train.warmup:
        length = text.percent(train.warmup, 0) + " of the run" if train.warmup < 1 else f"{train.warmup:.0f} steps"
        warmup = f"a warm-up over {length}"
    clip = f"gradients clipped to {train.grad_clip:g}" if train.grad_clip else "no clipping"
    return (
        "The **learning rate** says how far a step goes. Too small, and nothing happens; too large, and the step jumps "
        "over the place it was aiming for. At the start the weights are random, and a gradient says little about where "
        "to go in the end. So the rate begins low and rises: the **warm-up**. Later it falls, so that the weights "
        "settle. **Clipping** shortens gradients that are too long. **Augmentation** shifts and mirrors the images, so "
        "that the model can't learn them by heart so soon.\n\n"
        f"Your model was trained with {name} at a learning rate of {train.lr:g}, {warmup}, {clip}, and batches of "
        f"{train.batch_size} images."
    )


def formula() -> tuple[str, dict[str, Part], object]:
    """One step."""
    from vit.learn import slow
    from vit.learn.three_shapes import CLASSES
    from vit.training.loop import train_step

    config = slow.configuration()
    batch, classes, total = config.train.batch_size, len(CLASSES), num_parameters(config.model)
    parts = {
        "x": Part("x", "the batch", "(B, C, H, W)", f"({batch}, 3, {slow.SIDE}, {slow.SIDE})", "forward(images)"),
        "loss": Part("L", "loss: how wrong", "()", f"one number for {batch} × {classes} logits", "F.cross_entropy("),
        "g": Part(
            "g", "gradient, clipped", "as all weights", f"length at most {config.train.grad_clip:g}", "clip_gradients("
        ),
        "theta": Part(r"\theta", "all weights", "of all layers", f"{total:,} numbers", "loss.backward()"),
        "eta": Part(r"\eta", "learning rate", "()", f"at most {config.train.lr:g}", "update(state, lr"),
    }
    first = r"<loss> = -\frac{1}{B} \sum_{i=1}^{B} \ln p_{<theta>}(y_i \mid <x>_i)"
    second = r"<g> = \mathrm{clip}\big(\nabla_{\!<theta>} <loss>\big)"
    third = rf"<theta> \leftarrow <theta> - <eta> \, \mathrm{{{NAMES[config.train.optimizer]}}}(<g>)"
    return rf"\begin{{gathered}} {first} \\ {second}, \qquad {third} \end{{gathered}}", parts, train_step


@st.cache_resource(show_spinner=False)
def figure(answered: bool) -> dict:
    """What the figure gets; what a step does to its own batch only after the answer."""
    from vit.learn import slow
    from vit.learn.three_shapes import CLASSES

    config = slow.configuration()
    return {
        "sprite": data_url(sprite(steps()), "JPEG"),
        "side": slow.SIDE,
        "classes": CLASSES,
        "parts": list(slow.PARTS),
        "chance": math.log(len(CLASSES)),
        "clip": config.train.grad_clip,
        "warmup": int(config.train.warmup),
        "stepsPerEpoch": slow.NUM_TRAIN // config.train.batch_size,
        "steps": [told(step, answered) for step in steps()],
    }


def told(step: "SlowStep", answered: bool) -> dict:
    """One step in numbers."""
    return {
        "labels": step.labels.tolist(),
        "before": [significant(row) for row in step.before.tolist()],
        "after": [significant(row) for row in step.after.tolist()] if answered else None,
        "loss": step.loss,
        "lossAfter": step.loss_after if answered else None,
        "norm": step.grad_norm,
        "norms": significant(list(step.grad_norms.values())),
        "moved": significant(list(step.moved.values())),
        "lr": step.lr,
    }


def sprite(found: list["SlowStep"]) -> "Image.Image":
    """All batches as one image: a row for each step, its images side by side."""
    import torch
    from PIL import Image

    rows = torch.stack([step.pixels for step in found])  # (steps, B, 3, S, S)
    count, batch, _, height, width = rows.shape
    return Image.fromarray(rows.permute(0, 3, 1, 4, 2).reshape(count * height, batch * width, 3).numpy())
