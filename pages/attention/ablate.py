"""Ablate: switch heads, blocks and patches off and watch the answer follow."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.attention import ranking, switches, tour
from pages.attention.subject import Subject, cached
from pages.attention.switches import Outcome, Switches
from pages.shared import component, glossary, mistakes
from pages.shared.inline import data_url
from pages.shared.literal import literal
from vit import text
from vit.plots import colors, heatmap, scale

if TYPE_CHECKING:
    from torch import Tensor

    from vit.explain.perturbation import Shuffled

MOST_BARS = 10
DARK_BELOW = 0.45  # relative brightness under which a number on a color has to be white
SIDE = 400  # pixels of an image
ROUNDING = 1e-4  # of a probability; far above float32 sums in another order, far below what can be seen

HELP = (
    "Click or drag over patches, and click heads and blocks, to switch them off (ablation); the bars on the right "
    "follow. Click again to switch them on. Layers and heads are counted from 0."
)

_panel = component.register("vit_lab_ablation", Path(__file__).with_name("panel.js"))


def draw(subject: Subject) -> None:
    """The panel, then what it takes to keep or flip the answer, what order means, and which heads matter."""
    st.caption(HELP, help=glossary.explained(HELP))
    draw_panel(subject)
    if not tour.is_full():
        return
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, height="stretch"):
        _draw_fewest(subject)
    with right.container(border=True, height="stretch"):
        _draw_order(subject)
    ranking.draw(subject)


@st.fragment
def draw_panel(subject: Subject) -> None:
    """Draw the panel; a switch that is turned draws nothing else anew.

    The browser keeps the switches, and the address does; they stay while the image, the class or the model changes.
    """
    with mistakes.shown():
        raw = (st.session_state.get("ablation") or {}).get("off") or {}
        data = panel_data(subject, switches.parse(subject, raw))
        _panel(key="ablation", data=data, on_off_change=lambda: None)


def panel_data(subject: Subject, current: Switches) -> dict:
    """What the panel shows: every switch, and what the model predicts with them."""
    whole, outcome = switches.outcome(subject, Switches()), switches.outcome(subject, current)
    config = subject.info.model
    is_edited = current.patches and current.edit != switches.DROP
    return {
        "edits": switches.EDITS,
        "hows": switches.hows(subject),
        "most": switches.MOST_PERCENT,
        "image": data_url(outcome.seen) if is_edited else data_url(subject.answer.crop, "JPEG"),
        "grid": config.grid_size,
        "depth": config.depth,
        "heads": config.num_heads,
        "tints": tints(_changes(subject)),
        "legend": f"Numbers: how the probability of {subject.class_name} changes without that head alone, in "
        f"percentage points. Red heads support {subject.class_name}, blue heads oppose it.",
        "bars": bars(subject, whole, outcome),
        "verdict": verdict(subject, whole, outcome),
    }


@cached(100)
def _changes(subject: Subject) -> "Tensor":
    """How the asked class's probability changes without each head, (L, h)."""
    from vit.explain import ablation, target

    return ablation.knock_out_each_head(*subject.loaded(), subject.target, target.probability)[0]


def tints(changes: "Tensor") -> list[list[dict]]:
    """Color, ink and number of each head's switch: red if the class needs the head, because then it supports it."""
    shown = colors.colorize(scale.symmetric(changes).shares(-changes), colors.SIGNED)
    rows = zip(shown.tolist(), changes.tolist(), strict=True)
    return [[_tint(*pair) for pair in zip(*row, strict=True)] for row in rows]


def _tint(color: list[int], change: float) -> dict:
    red, green, blue = color
    ink = "#fff" if (0.299 * red + 0.587 * green + 0.114 * blue) / 255 < DARK_BELOW else "#111"
    return {"color": f"rgb({red}, {green}, {blue})", "ink": ink, "text": f"{round(100 * change):+d}".replace("+0", "0")}


def bars(subject: Subject, whole: Outcome, outcome: Outcome) -> list[dict]:
    """The classes that count, in the order of the untouched model, which stays the same whatever is switched off."""
    before, now, classes = whole.probabilities, outcome.probabilities, subject.info.classes
    order = sorted(range(len(classes)), key=lambda index: -before[index])
    kept = set(sorted(order, key=lambda index: -max(before[index], now[index]))[:MOST_BARS])
    return [
        {
            "name": classes[index],
            "before": before[index],
            "now": now[index],
            "text": f"{text.percent(before[index])} → {text.percent(now[index])}",
            "asked": index == subject.target,
        }
        for index in order
        if index in kept
    ]


def verdict(subject: Subject, whole: Outcome, outcome: Outcome) -> str:
    """Whether the answer is another one now."""
    answers = (found.probabilities for found in (whole, outcome))
    was, is_now = (subject.info.classes[values.index(max(values))] for values in answers)
    return f"Still {was}." if was == is_now else f"Flipped from {was} to {is_now}."


def _draw_fewest(subject: Subject) -> None:
    """How few patches are enough for the class, and how few have to go to lose it, in the order of occlusion."""
    st.markdown("**Fewest patches**")
    config, total = subject.info.model, subject.info.model.num_patches
    rival = None if subject.contrast is None else subject.info.classes[subject.contrast]
    enough, fatal, ranked = _fewest(subject)
    shown = [
        (() if enough is None else ranked[enough:], enough_words(enough, total, subject.class_name, rival)),
        (() if fatal is None else ranked[:fatal], fatal_words(fatal, total, subject.class_name, rival)),
    ]
    for place, (dropped, words) in zip(st.columns(2, gap="small"), shown, strict=True):
        image = blackened(subject.answer.crop, dropped, config.grid_size, SIDE)
        place.image(data_url(image, "JPEG"), width="stretch", alt=words)
        place.caption(literal(words))
    st.caption("Patches are taken in the order of occlusion; another order might need fewer.")


def enough_words(count: int | None, total: int, name: str, rival: str | None = None) -> str:
    """How few patches make the class the answer, or let it beat the class that it is compared with, as a sentence."""
    beats = f"predict {name}" if rival is None else f"find {name} more likely than {rival}"
    if count is None:
        return f"No number of patches makes the model {beats}."
    if count == 0:
        default = ": that is its default class" if rival is None else ""
        return f"The model would {beats} without seeing any patch{default}."
    return f"The first {count} of {total} patches {'is' if count == 1 else 'are'} enough to {beats}."


def fatal_words(count: int | None, total: int, name: str, rival: str | None = None) -> str:
    """How few patches have to go until the class no longer is the answer, or no longer beats the other, likewise."""
    beats = f"predict {name}" if rival is None else f"find {name} more likely than {rival}"
    if count is None:
        return f"The model would {beats} whatever is removed."
    if count == 0:
        return f"The model does not {beats} for this image."
    return f"Without the first {count} of {total} patches it would no longer {beats}."


def blackened(image: Image.Image, dropped: tuple[int, ...], grid: int, size: int) -> Image.Image:
    """A square image with dropped patches darkened, under its token grid."""
    shown = heatmap.enlarge(image.convert("RGB"), size)
    edges = [round(place * size / grid) for place in range(grid + 1)]
    for patch in dropped:
        row, column = divmod(patch, grid)
        shown.paste((24, 24, 24), (edges[column], edges[row], edges[column + 1], edges[row + 1]))
    return heatmap.ruled(shown, grid)


@cached(100, "Searching for the fewest patches")
def _fewest(subject: Subject) -> tuple[int | None, int | None, tuple[int, ...]]:
    """How many are enough, how many have to go, and the order that they are taken in."""
    from vit.explain import ablation, perturbation, scores

    model, inputs = subject.loaded()
    ranked = scores.ranked(perturbation.occlusion(model, inputs, subject.asked))
    enough = ablation.smallest_keeping(model, inputs, subject.asked, ranked)[0]
    fatal = ablation.smallest_flipping(model, inputs, subject.asked, ranked)[0]
    return enough, fatal, tuple(ranked[0].tolist())


def _draw_order(subject: Subject) -> None:
    """Does the order of the patches matter? Only because of the positions, and this shows it in numbers."""
    st.markdown("**Does the order of the patches matter?**")
    found = _shuffled(subject)
    if subject.info.model.pos_embed != "none":
        _draw_shuffle("With positions", subject, found.before, found.after)
    _draw_shuffle("Without positions", subject, found.before_without, found.after_without)
    st.caption(
        "All patches' contents change places behind the patch embedding. Attention and MLPs have no notion of order: "
        "only positions tell tokens where they are. Without them, what is left is rounding."
    )


def _draw_shuffle(which: str, subject: Subject, before: "Tensor", after: "Tensor") -> None:
    most = float((after - before).abs().max())
    first, second = (text.percent(float(values[0, subject.target])) for values in (before, after))
    effect, most_words = (
        ("changes nothing", "0.01") if most < ROUNDING else ("changes the prediction", f"{100 * most:.2g}")
    )
    name = literal(subject.class_name)
    st.markdown(
        f"{which}, shuffling **{effect}**: {name} {first} → {second}; no class changes by more than {most_words} "
        "percentage points."
    )


@cached(100)
def _shuffled(subject: Subject) -> "Shuffled":
    from vit.explain import perturbation

    return perturbation.shuffle_contents(*subject.loaded())
