"""Watch it learn: the same eight pictures after every validation, with what the model says and looks at."""

from dataclasses import dataclass

import streamlit as st
from PIL import Image

from pages.shared import words
from pages.shared.inline import data_url
from pages.train.live import strip
from vit.runs.directory import Run, read_lines
from vit.runs.plan import Plan

HELP = (
    "Validation pictures that stay the same. Brighter squares: where the prediction draws from (attention rollout). "
    "The bars below a picture: how sure the model was of the right class at each validation; solid ones were right."
)


def draw(run: Run, plan: Plan) -> None:
    """One cell per picture; nothing before the first validation."""
    if not run.tracked_path.exists() or not run.tracked_image_path.exists():
        return
    cells = _cells(run, run.tracked_path.stat().st_mtime_ns, plan.tracked_labels, plan.classes)
    if not cells:
        return
    st.markdown("**Watch it learn**", help=HELP)
    with st.grid(8, min_column_width=88, gap="small"):
        for cell in cells:
            with st.container(gap="xxsmall"):
                st.image(cell.picture, width="stretch", alt=cell.alt)
                st.caption(cell.caption)


@dataclass(frozen=True)
class Cell:
    """A picture with its attention and its history, and what stands below it."""

    picture: str
    caption: str
    alt: str


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def _cells(run: Run, modified: int, labels: tuple[int, ...], classes: tuple[str, ...]) -> list[Cell]:
    """Made anew only when the run has looked at its pictures again."""
    history = strip.valid(read_lines(run.tracked_path))
    if not history:
        return []
    pictures = zip(_pictures(run), labels, strict=False)
    return [
        _cell(picture, strip.follow(history, place, label), classes, label)
        for place, (picture, label) in enumerate(pictures)
    ]


def _cell(picture: Image.Image, seen: strip.Seen, classes: tuple[str, ...], label: int) -> Cell:
    says, probability = classes[seen.says], words.percent(seen.probability, 0)
    caption = f":material/{'check' if seen.says == label else 'close'}: **{says}** {probability}"
    alt = f"A picture labelled {classes[label]}. The model says {says}, {probability}."
    return Cell(data_url(strip.draw(picture, seen)), caption, alt)


def _pictures(run: Run) -> list[Image.Image]:
    """The tracked images, cut from the strip in which they lie side by side."""
    with Image.open(run.tracked_image_path) as image:
        row = image.convert("RGB")
    side = row.height
    return [row.crop((left, 0, left + side, side)) for left in range(0, row.width, side)]
