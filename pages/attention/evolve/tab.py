"""Evolve: scrub through the checkpoints of a run, also while it trains."""

import streamlit as st

from pages.attention.evolve import film, frames
from pages.attention.evolve.frames import Frame
from pages.attention.subject import Subject
from pages.shared import mistakes, models, refresh, words
from vit.models import history
from vit.plots import timelapse
from vit.runs import status
from vit.runs.directory import Run


def draw(subject: Subject) -> None:
    """The film of the subject's run; it grows while the run does."""
    name = subject.model.partition("@")[0]
    if not models.has_history(name):
        st.markdown("This model is a single checkpoint. Choose one of your own runs to see how it came about.")
        return
    every = _interval(name)
    st.fragment(_part, run_every=every)(subject, name, every)


def _interval(name: str) -> int | None:
    """Seconds until there may be another frame; None if the run is not at work."""
    active = status.active()
    return refresh.aside_seconds(active) if active is not None and active.id == name else None


def _part(subject: Subject, name: str, every: int | None) -> None:
    with mistakes.shown():
        _film(subject, history(name), every is not None)
    if _interval(name) != every:
        st.rerun()


def _film(subject: Subject, run: Run, is_alive: bool) -> None:
    saved = frames.chosen(run)
    if len(saved) < 2:
        count = words.counted(len(saved), "checkpoint")
        st.markdown(f"{run.id} has {count}, and it takes two to see a change." + " More will come." * is_alive)
        return
    found = _frames(run, saved, subject)
    film.draw(subject, found)
    _export(subject, found)


def _frames(run: Run, saved: list, subject: Subject) -> list[Frame]:
    """Every checkpoint's frame; says how far it is where that takes a while."""
    progress, found = st.empty(), []
    try:
        for done, entry in enumerate(saved):
            progress.progress(done / len(saved), text=f"Asking checkpoint {done + 1} of {len(saved)}")
            found.append(frames.of(run, entry, subject))
    finally:
        progress.empty()
    return found


def _export(subject: Subject, found: list[Frame]) -> None:
    st.download_button(
        "Download as GIF",
        lambda: gif(subject, found),
        f"{subject.model.partition('@')[0]}-attention.gif",
        "image/gif",
        icon=":material/gif_box:",
        on_click="ignore",
    )


def gif(subject: Subject, found: list[Frame]) -> bytes:
    """The film strip as a file: rollout over the picture, with epoch and answer."""
    classes = subject.info.classes
    captions = [_caption(frame, classes) for frame in found]
    maps = [frame.maps["rollout"] for frame in found]
    return timelapse.gif(subject.answer.prediction.seen, maps, captions, subject.info.model.num_tokens)


def _caption(frame: Frame, classes: tuple[str, ...]) -> str:
    best = max(range(len(classes)), key=frame.probabilities.__getitem__)
    return f"epoch {frame.saved.epoch:.1f}: {classes[best]} {words.percent(frame.probabilities[best], 0)}"
