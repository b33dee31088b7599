"""Watch it learn: the same eight images after every validation, with their predictions and attention rollout."""

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from pages.shared.inline import data_url
from pages.shared.literal import literal
from vit import text
from vit.plots import heatmap, scale
from vit.runs.directory import Run
from vit.runs.plan import Plan
from vit.runs.tracked import TrackedRow, read_tracked

HELP = (
    "The same validation images after every validation. Warm patches: attention rollout. Bars below an image: the "
    "probability of its label at each validation; solid where the prediction was correct."
)
SIDE, STRIP, GAP = 160, 28, 4  # pixels
MOST_BARS = 40
RIGHT, WRONG = (20, 152, 140, 255), (128, 140, 139, 110)


def draw(run: Run, plan: Plan) -> None:
    """One cell per image; nothing before the first validation."""
    if not run.tracked_path.exists() or not run.tracked_image_path.exists():
        return
    cells = _cells(run, run.tracked_path.stat().st_mtime_ns, plan)
    if not cells:
        return
    st.markdown("**Watch it learn**", help=HELP)
    with st.grid(8, min_column_width=88, gap="small"):
        for image, alt, caption in cells:
            with st.container(gap="xxsmall"):
                st.image(image, width="stretch", alt=alt)
                st.caption(caption)


@st.cache_data(
    max_entries=8, show_spinner=False, hash_funcs={Run: lambda run: str(run.path), Plan: lambda plan: plan.tracked}
)
def _cells(run: Run, modified: int, plan: Plan) -> list[tuple[str, ...]]:
    """Each image with attention and history, its description and its caption; anew only after a validation."""
    history = read_tracked(run, plan)
    if not history:
        return []
    images = zip(_images(run), plan.tracked_labels, strict=False)
    return [_cell(image, history, place, label, plan.classes) for place, (image, label) in enumerate(images)]


def _cell(
    image: Image.Image, history: list[TrackedRow], place: int, label: int, classes: tuple[str, ...]
) -> tuple[str, ...]:
    rows = [row.probabilities[place] for row in history]
    predicted = int(np.argmax(rows[-1]))
    says, probability = classes[predicted], text.percent(rows[-1][predicted], 0)
    caption = f":material/{'check' if predicted == label else 'close'}: **{literal(says)}** {probability}"
    alt = f"An image labeled {classes[label]}. The model predicts {says}, {probability}."
    bars = [(row[label], max(row) == row[label]) for row in rows]
    return data_url(_drawn(image, np.array(history[-1].attention[place]), bars)), alt, caption


def _images(run: Run) -> list[Image.Image]:
    """The tracked images, cut from the strip in which they lie side by side."""
    with Image.open(run.tracked_image_path) as image:
        row = image.convert("RGB")
    side = row.height
    return [row.crop((left, 0, left + side, side)) for left in range(0, row.width, side)]


def _drawn(image: Image.Image, attention: np.ndarray, bars: list[tuple[float, bool]]) -> Image.Image:
    """The image under its attention (g * g shares), and below it a bar per validation.

    A bar is as high as the label's probability; solid where the prediction was correct, else pale.
    """
    result = Image.new("RGBA", (SIDE, SIDE + GAP + STRIP), (0, 0, 0, 0))
    side = round(attention.size**0.5)
    meaning = scale.attention(attention.size)
    result.paste(heatmap.overlay(image, attention.reshape(side, side), scale=meaning, size=SIDE), (0, 0))
    canvas, bars = ImageDraw.Draw(result), thinned(bars)
    width, bottom = SIDE / max(len(bars), 8), result.height - 1
    canvas.line([(0, bottom), (SIDE, bottom)], WRONG)
    for index, (probability, is_right) in enumerate(bars):
        left, top = index * width, bottom - max(1, probability * (STRIP - 2))
        canvas.rectangle([left, top, max(left, left + width - 2), bottom], RIGHT if is_right else WRONG)
    return result


def thinned(bars: list) -> list:
    """At most ``MOST_BARS``, evenly chosen, with the last one always among them."""
    step = -(-len(bars) // MOST_BARS)
    return bars[::-1][::step][::-1]
