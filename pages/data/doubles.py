"""Images that a data set has twice: looked for in the background, and shown side by side."""

import streamlit as st
from PIL import Image

from pages.data.adding import line
from pages.shared import mistakes
from pages.shared.inline import data_url
from pages.shared.literal import literal
from vit import jobs, text
from vit.data import catalog, duplicates
from vit.data import jobs as data_jobs
from vit.data.duplicates import Duplicates, Pair
from vit.data.store import DatasetInfo
from vit.jobs import Job
from vit.plots import heatmap

REFRESH_SECONDS = 1
PER_PAGE = 24  # pairs
SIDE, GAP = 96, 4  # pixels
WHERE, NUMBER = "where", "pairs"
PLACES = {
    "Train and test": lambda pair: pair.first[0] != pair.second[0],
    "Within train": lambda pair: pair.first[0] == pair.second[0] == "train",
    "Within test": lambda pair: pair.first[0] == pair.second[0] == "test",
}
EXPLAINED = (
    "The same picture twice makes a class look easier than it is. A test image that is among the training images, "
    "too, makes the test accuracy too high: the model has seen the answer. Equal and nearly equal images are "
    "found, such as those saved again as JPEG; mirrored, turned or cropped ones are not."
)


def draw(info: DatasetInfo) -> None:
    """What was found, or how far the search is, or the way to start it."""
    if info.kind == "generated":
        st.markdown("Every image is drawn anew from its own random numbers. There is nothing to look for.")
        return
    name = data_jobs.duplicates_job(info.name)
    is_running = jobs.is_running(name)
    st.fragment(_follow, run_every=REFRESH_SECONDS if is_running else None)(name, is_running)
    found = duplicates.known(info.name)
    if found is not None:
        _verdict(info, found)
        st.fragment(_pairs)(info, found)
    elif not is_running:
        st.markdown(EXPLAINED)
    if not is_running:
        label = "Look for duplicates" if found is None else "Look again"
        kind = "primary" if found is None else "tertiary"
        st.button(label, key="look", icon=":material/content_copy:", type=kind, on_click=_start, args=(info.name,))


def _start(name: str) -> None:
    with mistakes.kept():
        data_jobs.start_duplicates(name)


def _follow(name: str, was_running: bool) -> None:
    """How far it is; the page is drawn anew when it ends."""
    job = jobs.status(name)
    if job is None:
        return
    if (job.state == "running") != was_running:
        st.rerun()
    if job.state == "running":
        _running(job)
    elif job.state == "failed":
        st.error(literal(job.error or "No reason was recorded."), title="The search failed")
    elif job.state in ("interrupted", "cancelled"):
        st.info(f"The search was {job.state}. What an earlier one found is kept.")


def _running(job: Job) -> None:
    with st.container(border=True):
        title, cancel = st.columns([6, 1], vertical_alignment="center")
        title.markdown(f"**Looking for duplicates** :gray[{literal(job.message)}]")
        cancel.button("Cancel", key="cancel-look", on_click=jobs.cancel, args=(job.name,), width="stretch")
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=literal(line(job)))


def _verdict(info: DatasetInfo, found: Duplicates) -> None:
    """The one sentence that matters first: does test leak into train?"""
    tests = info.counts.get("test", 0)
    if found.num_leaked:
        share = text.percent(found.num_leaked / tests)
        st.warning(
            f"**{found.num_leaked:,} of {tests:,} test images ({share}) are among the training images, too.** "
            "A test accuracy on this data set is partly an accuracy on what the model has learned by heart.",
            icon=":material/warning:",
        )
    elif tests:
        st.success("No test image was found among the training images.", icon=":material/check_circle:")
    pairs = f"{text.counted(found.num_equal, 'pair')} of equal images, {found.num_near:,} of nearly equal ones"
    st.caption(f"{pairs}.")


def _pairs(info: DatasetInfo, found: Duplicates) -> None:
    """The pairs side by side, a page at a time; the most alike come first."""
    places = {name: [pair for pair in found.pairs if is_there(pair)] for name, is_there in PLACES.items()}
    offered = [name for name, pairs in places.items() if pairs]
    if not offered:
        return
    bound = {"bind": "query-params", "on_change": _first_page}
    where = st.segmented_control("Where", offered, default=offered[0], required=True, key=WHERE, **bound)
    pairs = places[where]
    st.caption(f"{text.counted(len(pairs), 'pair')}, the most alike first.")
    number = st.pagination(max(1, -(-len(pairs) // PER_PAGE)), key=NUMBER, bind="query-params")
    with st.grid(min_column_width=2 * SIDE + GAP, gap="small"), mistakes.shown():
        for pair in pairs[(number - 1) * PER_PAGE : number * PER_PAGE]:
            _pair(info, pair)


def _first_page() -> None:
    st.session_state[NUMBER] = 1


def _pair(info: DatasetInfo, pair: Pair) -> None:
    both = [catalog.load_images(info.name, split, [index])[0] for split, index in (pair.first, pair.second)]
    sheet = Image.new("RGBA", (2 * SIDE + GAP, SIDE), (0, 0, 0, 0))
    for place, sample in enumerate(both):
        sheet.paste(heatmap.enlarge(sample.image, SIDE), (place * (SIDE + GAP), 0))
    names = [f"{split} {index:,}" for split, index in (pair.first, pair.second)]
    with st.container(gap="xxsmall"):
        st.image(data_url(sheet), width=2 * SIDE + GAP, alt=" and ".join(names))
        st.caption(f"{' · '.join(names)} · {_likeness(pair)}  \n{literal(_labels(*both))}")


def _likeness(pair: Pair) -> str:
    return f"differ by {text.percent(pair.difference, 0)}" if pair.difference else "equal"


def _labels(first: catalog.Sample, second: catalog.Sample) -> str:
    if first.label == second.label:
        return first.class_name
    return f"Labeled differently: {first.class_name} and {second.class_name}"
