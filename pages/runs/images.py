"""The same images through the selected runs: what each says about them, and where it looks."""

import streamlit as st

from pages.shared import answers, input_images, models
from pages.shared.answers import Answer
from pages.shared.inline import data_url
from pages.shared.input_images import PINNED, InputImage
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit import pinned, samples, text
from vit.errors import CheckpointError, ImageError
from vit.runs.summary import Summary

MOST_RUNS, MOST_IMAGES, MOST_SAMPLES = 6, 8, 4
SIDE = 180  # pixels


def draw(chosen: list[Summary], runs: list[Summary]) -> None:
    """A row per image and a column per run, each with its best checkpoint."""
    shown = chosen[:MOST_RUNS]
    images = _images(shown[0].id)
    st.caption(
        "Each run with its best checkpoint. Warm patches get more than uniform attention (rollout)."
        + (f" The first {MOST_RUNS} of {len(chosen)} selected runs are shown." if len(chosen) > MOST_RUNS else "")
    )
    if not pinned.list_pinned():
        st.page_link(
            "pages/attention/page.py",
            label="These are samples. Pin images on Attention to see them here",
            icon=":material/keep:",
        )
    for column, run in zip(st.columns(len(shown)), shown, strict=True):
        with column:
            st.markdown(f"**{literal(run.id)}**")
            _column(run, images)


def _images(run_id: str) -> list[InputImage]:
    """The pinned images, or else some samples of the classes that a run knows."""
    entries = pinned.list_pinned()[:MOST_IMAGES]
    if entries:
        return [input_images.find(f"{PINNED}:{entry.id}") for entry in entries]
    try:
        classes = models.info(run_id).classes
    except CheckpointError:
        return []
    fitting = [sample for sample in samples.list_samples() if sample.label in classes] or samples.list_samples()
    return [input_images.find(f"sample:{sample.name}") for sample in fitting[:MOST_SAMPLES]]


def _column(run: Summary, images: list[InputImage]) -> None:
    for image in images:
        try:
            answer = answers.ask(run.id, image)
        except CheckpointError:
            st.caption("No checkpoint to ask yet.")
            return
        except ImageError as error:
            st.caption(literal(error))
            continue
        source, alt = _drawn(answer)
        st.image(source, width=SIDE, alt=f"{alt} {run.id} looking at {image.name}.")
        (name, probability), *_ = answer.prediction.top(1)
        mark = "" if image.label is None else ":material/check: " if name == image.label else ":material/close: "
        st.markdown(f"{mark}**{literal(name)}** {text.percent(probability)}")


@st.cache_resource(max_entries=200, show_spinner="Asking the models", hash_funcs={Answer: lambda answer: answer.key})
def _drawn(answer: Answer) -> tuple[str, str]:
    """The image with the attention over it, and what it shows in words."""
    image, alt = viewer.still(answer, 2 * SIDE)
    return data_url(image, "JPEG"), alt
