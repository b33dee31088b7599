"""Which heads matter: accuracy lost on test images without each of them, measured while a person may go on."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import switches
from pages.attention.subject import Subject
from pages.shared import mistakes, models
from vit import text
from vit.data import catalog
from vit.errors import DataError, VitError

if TYPE_CHECKING:
    from vit.explain.ablation import Leaderboard
    from vit.predict import Predictor

IMAGES = 500
REFRESH_SECONDS = 0.5
UNEXPECTED = "The ranking ended without a result. The server's log says why; try again."
RANK_HELP = "Ablates one head at a time and measures the accuracy on the same test images."


@dataclass
class Job:
    """A piece of work and how far it is. The thread writes, pages read; ``cancel`` is the only word back."""

    done: int = 0
    total: int = 0
    result: "Leaderboard | None" = None
    problem: str | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def start(self, work: Callable[["Job"], "Leaderboard"]) -> None:
        """Begin, unless it is under way; ``work`` tells ``progress`` and asks ``cancel.is_set``."""
        if self.is_running:
            return
        self.done, self.total, self.result, self.problem = 0, 0, None, UNEXPECTED
        self.cancel.clear()
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def progress(self, done: int, total: int) -> None:
        """Say how far the work is."""
        self.done, self.total = done, total

    def _run(self, work: Callable[["Job"], "Leaderboard"]) -> None:
        try:
            self.result, self.problem = work(self), None
        except VitError as error:
            self.problem = str(error)


def draw(subject: Subject) -> None:
    """A button, then progress with a way to cancel, then the table."""
    st.subheader("Which heads matter?", anchor=False)
    source = switches.test_source(subject.info.classes)
    if not source:
        st.caption("Ranking heads needs test images of this model's classes; get or import them on the Data page.")
        return
    job = _job(subject.answer.version, source)
    every = REFRESH_SECONDS if job.is_running else None
    st.fragment(_part, run_every=every)(subject, source, job, job.is_running)


def _part(subject: Subject, source: str, job: Job, was_running: bool) -> None:
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
    label = f"Rank the heads on test images of {source}"
    if st.button(label, key="rank_heads", icon=":material/leaderboard:", help=RANK_HELP):
        with mistakes.shown():
            predictor = models.predictor(subject.model)
            job.start(lambda running: measure(predictor, source, running))
            st.rerun()


@st.cache_resource(max_entries=20, show_spinner=False)
def _job(version: tuple[str, int], source: str) -> Job:
    return Job()


def measure(predictor: "Predictor", source: str, job: Job) -> "Leaderboard":
    """Switch off one head after the other over the same test images.

    Raises:
        VitError: If there are no such images.
    """
    import torch

    from vit.explain import ablation

    drawn = catalog.samples(source, "test", IMAGES, image_size=predictor.info.model.image_size)
    if not drawn:
        raise DataError(f"{source} has no test images; choose another data set")
    inputs = predictor.inputs([predictor.see(sample.image) for sample in drawn])
    labels = torch.tensor([predictor.info.classes.index(sample.class_name) for sample in drawn])
    return ablation.leaderboard(
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
            "margin": st.column_config.NumberColumn("95% interval", format="± %.1f points"),
            "without": st.column_config.NumberColumn("Accuracy without", format="percent"),
        },
    )
    cancelled = f" Cancelled: {text.counted(unmeasured, 'head')} not measured." if unmeasured else ""
    st.caption(
        f"The whole model reaches {text.percent(board.accuracy)} on {board.images} test images. A head is "
        "replaced by its mean over them. A loss within its 95% interval can be chance, as other images would give "
        f"others; more images narrow it.{cancelled}"
    )


def rows_of(board: "Leaderboard") -> list[dict]:
    """A row per measured head, the one that costs most first."""
    places = [(layer, head) for layer in range(len(board.lost)) for head in range(board.lost.shape[1])]
    rows = [
        {
            "head": f"layer {layer}, head {head}",
            "lost": 100 * lost,
            "margin": 100 * float(board.margin[layer, head]),
            "without": board.accuracy - lost,
        }
        for layer, head in places
        if (lost := float(board.lost[layer, head])) == lost  # NaN where it was cancelled before
    ]
    return sorted(rows, key=lambda row: -row["lost"])
