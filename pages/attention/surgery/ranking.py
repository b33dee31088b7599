"""Which heads count: accuracy lost on test pictures without each of them, one after the other."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.attention.subject import Subject
from pages.attention.surgery import reference
from pages.attention.surgery.job import Job
from pages.shared import answers, mistakes, models, words
from vit.data import catalog
from vit.errors import DataError

if TYPE_CHECKING:
    from vit.explain.surgery import Leaderboard
    from vit.predict import Predictor

PICTURES = 500
REFRESH_SECONDS = 0.5
POINT = 100.0


def draw(subject: Subject) -> None:
    """A button, then progress with a way to cancel, then the table."""
    st.subheader("Which heads count?", anchor=False)
    source = reference.test_source(subject.info.classes)
    if not source:
        st.caption("Ranking heads needs test pictures of this model's classes; get or import them on the Data page.")
        return
    job = _job(answers.version(subject.model), source)
    every = REFRESH_SECONDS if job.is_running else None
    st.fragment(_part, run_every=every)(subject, source, job, job.is_running)


def _part(subject: Subject, source: str, job: Job, was_running: bool) -> None:
    with mistakes.shown():
        _progress_or_table(subject, source, job, was_running)


def _progress_or_table(subject: Subject, source: str, job: Job, was_running: bool) -> None:
    if job.is_running:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.progress(job.done / max(1, job.total), text=f"{job.done} of {job.total or '…'} heads switched off")
        right.button("Cancel", key="cancel_ranking", icon=":material/close:", on_click=job.cancel.set)
        return
    if was_running:
        st.rerun()
    if job.problem:
        st.error(job.problem)
    if job.result is not None:
        _table(job.result)
    label = f"Rank the heads on test pictures of {source}"
    if st.button(label, key="rank_heads", icon=":material/leaderboard:"):
        predictor = models.predictor(subject.model)
        job.start(lambda running: measure(predictor, source, running))
        st.rerun()


@st.cache_resource(max_entries=20, show_spinner=False)
def _job(version: tuple[str, int], source: str) -> Job:
    return Job()


def measure(predictor: "Predictor", source: str, job: Job) -> "Leaderboard":
    """Switch off one head after the other over the same test pictures.

    Raises:
        VitError: If there are no such pictures.
    """
    import torch

    from vit.explain import surgery

    drawn = catalog.samples(source, "test", PICTURES, image_size=predictor.info.model.image_size)
    if not drawn:
        raise DataError(f"{source} has no test pictures; choose another data set")
    inputs = predictor.inputs([predictor.see(sample.image) for sample in drawn])
    labels = torch.tensor([predictor.info.classes.index(sample.class_name) for sample in drawn])
    return surgery.leaderboard(
        predictor.model, inputs, labels.to(inputs.device), progress=job.progress, cancelled=job.cancel.is_set
    )


def _table(board: "Leaderboard") -> None:
    import pandas as pd

    rows = rows_of(board)
    unmeasured = board.lost.numel() - len(rows)
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=min(10, len(rows)) * 35 + 38,
        column_config={
            "head": st.column_config.TextColumn("Head"),
            "lost": st.column_config.NumberColumn("Accuracy lost", format="%.1f points"),
            "without": st.column_config.NumberColumn("Accuracy without", format="percent"),
        },
    )
    cancelled = f" Cancelled: {words.counted(unmeasured, 'head')} not measured." if unmeasured else ""
    st.caption(
        f"The whole model reaches {words.percent(board.accuracy)} on up to {PICTURES} test pictures. A head is "
        f"replaced by its mean over them; a difference of a point or less can be chance.{cancelled}"
    )


def rows_of(board: "Leaderboard") -> list[dict]:
    """A row per measured head, the one that costs most first."""
    rows = [
        {"head": f"layer {layer}, head {head}", "lost": POINT * lost, "without": board.accuracy - lost}
        for layer, heads in enumerate(board.lost.tolist())
        for head, lost in enumerate(heads)
        if lost == lost  # NaN where it was cancelled before
    ]
    return sorted(rows, key=lambda row: -row["lost"])
