"""The film: a component that gets every frame and is scrubbed without asking the server."""

from pathlib import Path

import numpy as np
import streamlit as st

from pages.attention.evolve.frames import Frame
from pages.attention.subject import Subject
from pages.shared import curves
from pages.shared.inline import data_url
from vit.plots import colors, scale

HERE = Path(__file__).parent
MOST_CLASSES = 6  # with a colour of their own

_mount = st.components.v2.component(
    "vit_lab_film",
    html=(HERE / "film.html").read_text(),
    css=(HERE / "film.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in ("../look/maps.js", "film_draw.js", "film.js")),
)


def draw(subject: Subject, found: list[Frame]) -> None:
    """Draw or lengthen the film; the place in it stays."""
    _mount(key="film", data=data(subject, found))


def data(subject: Subject, found: list[Frame]) -> dict:
    """Everything that the film shows, rounded to what can be seen."""
    config = subject.info.model
    return {
        "seen": data_url(subject.answer.prediction.seen),
        "grid": config.grid_size,
        "tokens": config.num_tokens,
        "flat": scale.FLAT,
        "epochs": [round(frame.saved.epoch, 3) for frame in found],
        "steps": [frame.saved.step for frame in found],
        "accuracies": [frame.saved.val_accuracy for frame in found],
        "classes": _classes(subject, found),
        "maps": {name: _map(found, name, config.num_tokens) for name in found[0].maps},
        "statistics": {name: _statistic(found, name) for name in found[0].statistics},
        "colors": {name: colors.table(name).tolist() for name in ("viridis", colors.DIVERGING)},
        "diverging": colors.DIVERGING,
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


def _map(found: list[Frame], name: str, num_tokens: int) -> dict:
    """One map per frame, and the scale that all of them share."""
    values = np.stack([frame.maps[name] for frame in found])
    shared = scale.times_uniform(values, num_tokens)
    return {"frames": [curves.significant(frame.ravel().tolist()) for frame in values], "scale": vars(shared)}


def _statistic(found: list[Frame], name: str) -> list[list[list[float]]]:
    """Layer by layer and head by head, one number per frame: (L, h, F)."""
    stacked = np.stack([frame.statistics[name] for frame in found], axis=-1)
    return [[curves.significant(line.tolist()) for line in layer] for layer in stacked]
