"""One menu with everything a run has to take away; a file is read only when it is clicked."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.train import twin
from vit import models, text
from vit.errors import VitError
from vit.export.twin import recipe
from vit.runs import archive
from vit.runs.directory import Run
from vit.runs.metrics import read_metrics

TIMM_STEM = "patch"  # timm's VisionTransformer has no other


class Entry(NamedTuple):
    """A file to take away.

    Attributes:
        label: On its button.
        file: Its name, after that of the run.
        read: Gives its content; called in another thread, only after a click.
        missing: Why there is no such file, or an empty text.
    """

    label: str
    file: str
    read: Callable[[], bytes | str]
    missing: str = ""


def menu(run: Run) -> None:
    """A button that opens the list of files."""
    opened = st.popover("Download", icon=":material/download:", key="download", on_change="rerun")
    if not opened.open:
        return
    with opened:
        for entry in _entries(run):
            st.download_button(
                entry.label,
                data=entry.read,
                file_name=f"{run.id}{entry.file}",
                key=f"download-{entry.file}",
                on_click="ignore",
                disabled=bool(entry.missing),
                help=entry.missing or None,
                width="stretch",
            )


def _entries(run: Run) -> list[Entry]:
    none_yet = "" if run.saved() else "No checkpoint was saved yet."
    return [
        Entry("Weights (best checkpoint)", ".safetensors", partial(_weights, run), none_yet),
        Entry("Weights for timm", "-timm.safetensors", partial(_timm, run), none_yet or _unlike_timm(run)),
        *_code(run),
        Entry("Curves (CSV)", "-curves.csv", lambda: read_metrics(run).to_csv(), _absent(run.metrics_path)),
        Entry("Configuration (JSON)", "-config.json", run.config_path.read_bytes, _absent(run.config_path)),
        Entry("Log", "-log.txt", run.log_path.read_bytes, _absent(run.log_path)),
        Entry("Everything (archive)", ".tar", partial(archive.packed, run.id), _too_large(run)),
    ]


def _code(run: Run) -> list[Entry]:
    """Script and notebook; a zip where images or weights travel with them."""
    try:
        wanted = recipe.of_run(run)
    except VitError as error:
        return [Entry(label, f"-{kind}", bytes, twin.sentence(error)) for kind, label in twin.LABELS.items()]
    return [
        Entry(label, f"-{kind}{wanted.suffix(kind)}", partial(twin.content, wanted, kind), twin.missing(wanted))
        for kind, label in twin.LABELS.items()
    ]


def _unlike_timm(run: Run) -> str:
    stem = models.read_info(run.checkpoint_path("best")).model.stem
    return "" if stem == TIMM_STEM else f"timm has no model that begins with stem={stem!r}."


def _too_large(run: Run) -> str:
    size = archive.size(run)
    command = f"python -m vit runs export {run.id} --out {run.id}.tar"
    return f"{text.size(size)} are too much for a browser. From a shell: {command}" * (size > archive.MOST_AT_ONCE)


def _absent(path: Path) -> str:
    return "" if path.exists() else "The run has not written it yet."


def _weights(run: Run) -> bytes:
    return run.checkpoint_path("best").read_bytes()


def _timm(run: Run) -> bytes:
    from vit.export.timm import to_timm

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.safetensors"
        to_timm(run.checkpoint_path("best"), out)
        return out.read_bytes()
