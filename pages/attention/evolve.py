"""Evolve: one image through the checkpoints of a run, also while it trains."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from pages.attention.subject import Subject, measured
from pages.shared import component, curves, mistakes, models, refresh
from pages.shared.inline import data_url
from vit import text
from vit.models import history
from vit.plots import scale, timelapse
from vit.runs import status
from vit.runs.directory import Run, SavedCheckpoint

MOST_FRAMES = 40
MOST_CLASSES = 6  # with a color of their own

_film = component.register("vit_lab_film", Path(__file__).with_name("film.js"))


@dataclass(frozen=True)
class Frame:
    """One checkpoint's view of the image."""

    saved: SavedCheckpoint  # which checkpoint
    probabilities: tuple[float, ...]  # (K,)
    maps: dict[str, np.ndarray]  # by name, what the head reads from each patch, (g, g), as shares of attention
    statistics: dict[str, np.ndarray]  # by name, a number for each layer and head, (L, h)


def draw(subject: Subject) -> None:
    """The film of the subject's run; it grows while the run does."""
    name = subject.model.partition("@")[0]
    if not models.has_history(name):
        st.markdown("This model is a single checkpoint. Choose one of your own runs to compare its checkpoints.")
        return
    every = _interval(name)
    st.fragment(part, run_every=every)(subject, name, every)


def _interval(name: str) -> int | None:
    """Seconds until there may be another frame; None if the run is not at work."""
    active = status.active()
    return refresh.aside_seconds(active) if active is not None and active.id == name else None


def part(subject: Subject, name: str, every: int | None) -> None:
    """What is drawn anew while the run lives."""
    with mistakes.shown():
        _draw_film(subject, history(name), every is not None)
    if _interval(name) != every:
        st.rerun()


def _draw_film(subject: Subject, run: Run, is_alive: bool) -> None:
    saved = chosen(run)
    if len(saved) < 2:
        count = text.counted(len(saved), "checkpoint")
        st.markdown(f"{run.id} has {count}; at least two are needed to see a change." + " More will come." * is_alive)
        return
    st.caption(
        "How prediction and attention change during training: this image, evaluated at each saved checkpoint. "
        "Move the slider, point at the curves or press Play."
    )
    found = measured(
        saved,
        lambda entry, done: f"Evaluating checkpoint {done + 1} of {len(saved)}",
        lambda entry: frame_of(run.id, entry, subject),
    )
    _film(key="film", data=film_data(subject, found))
    st.download_button(
        "Download as GIF",
        lambda: gif(subject, found),
        f"{run.id}-attention.gif",
        "image/gif",
        icon=":material/gif_box:",
        on_click="ignore",
        help="Attention rollout over the image at every checkpoint, with epoch and prediction.",
    )


def chosen(run: Run) -> list[SavedCheckpoint]:
    """The run's checkpoints, small ones included, oldest first; thinned evenly with both ends kept."""
    entries = {entry.step: entry for entry in (*run.series(), *run.saved())}
    saved = [entries[step] for step in sorted(entries)]
    if len(saved) <= MOST_FRAMES:
        return saved
    places = np.linspace(0, len(saved) - 1, MOST_FRAMES).round().astype(int)
    return [saved[place] for place in places]


@st.cache_resource(max_entries=2000, show_spinner=False, hash_funcs={Subject: lambda subject: subject.answer.image.id})
def frame_of(run_id: str, saved: SavedCheckpoint, subject: Subject) -> Frame:
    """A checkpoint's frame; the checkpoint is loaded for one prediction and released.

    Raises:
        CheckpointError: If the checkpoint is gone or damaged.
    """
    from vit.explain import attention
    from vit.explain.trace import trace
    from vit.predict import Predictor

    predictor = Predictor.load(f"{run_id}@{saved.step}")
    found = trace(predictor.model, predictor.inputs([subject.answer.prediction.seen])).cpu()
    maps = {
        "rollout": attention.patch_map(attention.rollout(found.attention), found)[0].numpy(),
        "last layer": attention.attention_map(found, found.depth - 1)[0].numpy(),
    }
    statistics = {
        "distance, in patches": attention.attention_distance(found)[:, 0].numpy(),
        "entropy, in nats": attention.entropy(found)[:, 0].numpy(),
    }
    return Frame(saved, tuple(found.logits[0].softmax(-1).tolist()), maps, statistics)


def film_data(subject: Subject, found: list[Frame]) -> dict:
    """Everything that the film shows, rounded to what can be seen."""
    return {
        "photo": data_url(subject.answer.crop, "JPEG"),
        "grid": subject.info.model.grid_size,
        "flat": scale.FLAT,
        "scale": vars(scale.attention(subject.info.model.num_tokens)),
        "epochs": [round(frame.saved.epoch, 3) for frame in found],
        "steps": [frame.saved.step for frame in found],
        "accuracies": [frame.saved.val_accuracy for frame in found],
        "classes": _classes(subject, found),
        "maps": {
            name: [curves.significant(frame.maps[name].ravel().tolist()) for frame in found] for name in found[0].maps
        },
        "statistics": {name: _statistic(found, name) for name in found[0].statistics},
    }


def _classes(subject: Subject, found: list[Frame]) -> list[dict]:
    """The classes that ever counted, likeliest at the end first, and all others as one."""
    shares = np.array([frame.probabilities for frame in found])  # (F, K)
    counted = np.argsort(-shares.max(0), kind="stable")[:MOST_CLASSES]
    ordered = sorted(counted.tolist(), key=lambda index: -shares[-1, index])
    rows = [{"name": subject.info.classes[i], "shares": curves.significant(shares[:, i].tolist())} for i in ordered]
    rest = np.clip(1 - shares[:, ordered].sum(1), 0, 1)
    others = [{"name": "others", "shares": curves.significant(rest.tolist())}]
    return rows + others * (len(ordered) < shares.shape[1])


def _statistic(found: list[Frame], name: str) -> list[list[list[float]]]:
    """Layer by layer and head by head, one number per frame: (L, h, F)."""
    stacked = np.stack([frame.statistics[name] for frame in found], axis=-1)
    return [[curves.significant(line.tolist()) for line in layer] for layer in stacked]


def gif(subject: Subject, found: list[Frame]) -> bytes:
    """The film as a file: rollout over the image, with epoch and prediction."""
    captions = []
    for frame in found:
        share, name = max(zip(frame.probabilities, subject.info.classes, strict=True), key=lambda pair: pair[0])
        captions.append(f"epoch {frame.saved.epoch:.1f}: {name} {text.percent(share, 0)}")
    maps = [frame.maps["rollout"] for frame in found]
    return timelapse.gif(subject.answer.crop, maps, captions, subject.info.model.num_tokens)
