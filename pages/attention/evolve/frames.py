"""What a run made of a picture at each of its checkpoints; each is loaded once, asked once, and let go."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from pages.attention.subject import Subject
from vit.runs.directory import Run, Saved

if TYPE_CHECKING:
    from vit.explain.trace import Trace

MOST_FRAMES = 40


@dataclass(frozen=True)
class Frame:
    """One checkpoint's view of the picture.

    Attributes:
        saved: Which checkpoint.
        probabilities: (K,).
        maps: By name, what the head reads from each patch, (g, g), as shares of attention.
        statistics: By name, a number for each layer and head, (L, h).
    """

    saved: Saved
    probabilities: tuple[float, ...]
    maps: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]


def chosen(run: Run) -> list[Saved]:
    """The run's checkpoints, small ones included, oldest first; thinned evenly with both ends kept."""
    entries = {entry.step: entry for entry in (*run.series(), *run.saved())}
    saved = [entries[step] for step in sorted(entries)]
    if len(saved) <= MOST_FRAMES:
        return saved
    places = np.linspace(0, len(saved) - 1, MOST_FRAMES).round().astype(int)
    return [saved[place] for place in places]


def of(run: Run, saved: Saved, subject: Subject) -> Frame:
    """A checkpoint's frame.

    Raises:
        CheckpointError: If the checkpoint is gone or damaged.
    """
    return _frame(run.id, saved, subject.answer.picture.id, subject.answer.prediction.seen)


@st.cache_resource(max_entries=2000, show_spinner=False)
def _frame(run_id: str, saved: Saved, picture_id: str, _seen: Image.Image) -> Frame:
    from vit.explain.trace import trace
    from vit.predict import Predictor

    predictor = Predictor.load(f"{run_id}@{saved.step}")
    found = trace(predictor.model, predictor.inputs([_seen])).cpu()
    return Frame(saved, tuple(found.logits[0].softmax(-1).tolist()), _maps(found), _statistics(found))


def _maps(trace: "Trace") -> dict[str, np.ndarray]:
    from vit.explain import attention

    last = attention.attention_map(trace, trace.depth - 1)[0].numpy()
    rolled = attention.patch_map(attention.rollout(trace.attention), trace)[0].numpy()
    return {"last layer": last, "rollout": rolled}


def _statistics(trace: "Trace") -> dict[str, np.ndarray]:
    from vit.explain import attention

    distance = attention.attention_distance(trace)[:, 0].numpy()
    return {"distance, in patches": distance, "entropy, in nats": attention.entropy(trace)[:, 0].numpy()}
