"""An evaluation in the making: its progress, Cancel, and how it ended. It goes on without this page, too."""

import streamlit as st

from pages.evaluate.asked import Asked
from pages.shared import mistakes
from pages.shared.literal import literal
from vit import jobs, text
from vit.evaluation import starting
from vit.evaluation.directory import Evaluation
from vit.jobs import Job

REFRESH_SECONDS = 1


def is_running(evaluation: Evaluation) -> bool:
    """Whether its job works now."""
    return jobs.is_running(starting.job_name(evaluation))


def follow(chosen: Asked) -> None:
    """Draw the progress as long as the job runs; afterwards how it ended, if that needs a word."""
    if is_running(chosen.evaluation):
        st.fragment(running, run_every=REFRESH_SECONDS)(chosen.evaluation, made(chosen.evaluation))
        return
    if not chosen.evaluation.is_complete:
        _ended_badly(starting.job_name(chosen.evaluation))
    if chosen.evaluation.is_there and not chosen.evaluation.is_complete:
        _incomplete(chosen.evaluation)


def _ended_badly(name: str) -> None:
    job = jobs.status(name)
    if job and job.state == "failed":
        words = literal(job.error or "No reason was recorded.")
        st.error(words, title="The evaluation failed", icon=":material/error:")
    elif job and job.state == "interrupted":
        st.info("The evaluation was interrupted. What it had made is kept: start it again to go on.")


def made(evaluation: Evaluation) -> tuple[bool, list[str]]:
    """Changes when there is more to show."""
    return evaluation.is_there, evaluation.missing()


def running(evaluation: Evaluation, made_before: tuple[bool, list[str]], *extras: str) -> None:
    """The progress; a new part is shown at once."""
    job = jobs.status(starting.job_name(evaluation, *extras))
    if job is None or job.state != "running" or made(evaluation) != made_before:
        st.rerun()
    with st.container(border=True, key=f"making-{job.name}"):
        place, cancel = st.columns([6, 1], vertical_alignment="center")
        place.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=literal(words(job)))
        cancel.button("Cancel", key=f"cancel-{job.name}", on_click=jobs.cancel, args=(job.name,), width="stretch")


def words(job: Job) -> str:
    """``Predicting · 2,500 of 10,000 images · 12 s left``."""
    parts = [job.message.capitalize() or "Starting"]
    if job.total:
        parts.append(f"{job.done:,} of {text.counted(job.total, 'image')}")
        parts += [f"{text.duration((job.total - job.done) / job.rate)} left"] if job.rate else []
    return " · ".join(parts)


def _incomplete(evaluation: Evaluation) -> None:
    """Some parts are missing because the job was cancelled or failed."""
    left, right = st.columns([6, 1], vertical_alignment="center")
    left.caption(f"Not made yet: {', '.join(NAMES[part] for part in evaluation.missing())}.")
    right.button("Continue", key="continue", on_click=_go_on, args=(evaluation,), width="stretch")


def _go_on(evaluation: Evaluation, *extras: str) -> None:
    with mistakes.kept():
        starting.go_on(evaluation, *extras)


NAMES = {"unusual": "unusual images", "suspects": "label suspects"}
OFFERS = {
    "map": (
        "Draw the map",
        "A map of up to 2,000 images, on which those that the model finds alike lie beside each other.",
    ),
    "robustness": (
        "Measure robustness",
        "How much accuracy is left with noise, blur, little light, little contrast and strong JPEG compression, each "
        "in five strengths, on up to 1,000 images. It takes as long as predicting 26,000 images.",
    ),
}


def offer(evaluation: Evaluation, extra: str) -> None:
    """What takes longer is made for those who ask: a sentence and a button, then the progress."""
    name = starting.job_name(evaluation, extra)
    if jobs.is_running(name):
        st.fragment(running, run_every=REFRESH_SECONDS)(evaluation, made(evaluation), extra)
        return
    _ended_badly(name)
    label, words = OFFERS[extra]
    st.markdown(words)
    st.button(label, key=f"make-{extra}", icon=":material/play_arrow:", on_click=_go_on, args=(evaluation, extra))


def wait(evaluation: Evaluation, part: str) -> None:
    """Say that a part isn't there yet."""
    state = "is being made; it appears here when it is ready" if is_running(evaluation) else "isn't made yet"
    st.markdown(f"{NAMES[part].capitalize()}: this part {state}.")
