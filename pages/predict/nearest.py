"""The training images most like the image at hand, as the model sees it."""

import streamlit as st

from pages.shared import answers, models
from pages.shared.answers import Answer
from pages.shared.inline import data_url
from pages.shared.literal import literal
from pages.shared.mistakes import kept, shown, told
from vit import jobs, nearest, text
from vit.data import catalog
from vit.nearest import Index
from vit.plots.heatmap import enlarge

SIDE = 96  # pixels
REFRESH_SECONDS = 1
ERROR = "nearest_error"
HELP = (
    "Alike are images whose features, what the last layer reads, point in the same direction: 1 is the same direction, "
    "0 a right angle. The model was trained on these images, so they show what it may have taken this one for."
)


def draw(answer: Answer) -> None:
    """The strip, or the one step that is missing."""
    if not st.toggle("Nearest training images", key="nearest", bind="query-params", help=HELP):
        return
    index = nearest.of(answer.model)
    told(ERROR)
    if index is None:
        name = literal(models.info(answer.model).data.get("name", "unknown"))
        st.markdown(f"The data set that this model was trained on ({name}) is not on this machine.")
        st.page_link("pages/data/page.py", label="Add data", icon=":material/photo_library:")
    elif index.path.is_file():
        _strip(answer, index)
    elif jobs.is_running(index.job_name):
        st.fragment(_progress, run_every=REFRESH_SECONDS)(index)
    else:
        _offer(index)


def _offer(index: Index) -> None:
    job = jobs.status(index.job_name)
    if job and job.error:
        st.error(literal(job.error), icon=":material/error:")
    total = index.data.counts.get("train", 0)
    images = min(nearest.MOST, total - models.info(index.model).run.data.num_val(total))  # as ``vit.nearest`` does
    st.markdown(f"The model has to look at {text.counted(images, 'training image')} once, in the background.")
    st.button("Compute", icon=":material/play_arrow:", key="nearest-start", on_click=_start, args=(index,))


def _start(index: Index) -> None:
    with kept(ERROR):
        index.start()


def _progress(index: Index) -> None:
    job = jobs.status(index.job_name)
    if job is None or job.state != "running":
        st.rerun()
    place, cancel = st.columns([6, 1], vertical_alignment="center")
    parts = [job.message.capitalize() or "Starting"]
    parts += [f"{job.done:,} of {text.counted(job.total, 'image')}"] if job.total else []
    parts += [f"{text.duration((job.total - job.done) / job.rate)} left"] if job.rate and job.total else []
    place.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=literal(" · ".join(parts)))
    cancel.button("Cancel", key="nearest-cancel", on_click=jobs.cancel, args=(index.job_name,), width="stretch")


def _strip(answer: Answer, index: Index) -> None:
    with shown():
        found = index.find(answers.trace_of(answer).features[0].numpy())
        samples = catalog.load_images(index.data.name, "train", [one.place for one in found])
        with st.grid(len(found), min_column_width=SIDE):
            for one, sample in zip(found, samples, strict=True):
                with st.container(gap="xsmall"):
                    words = f"Training image {one.place}: {sample.class_name}"
                    st.image(data_url(enlarge(sample.image, SIDE)), width="stretch", alt=words)
                    st.caption(f"{literal(sample.class_name)} · {one.similarity:.3f}")
