"""The code of a run: what it looks like, and the files to take away."""

import io
from functools import partial

import streamlit as st

from pages.shared import mistakes
from pages.shared.literal import literal
from vit import text
from vit.config import RunConfig
from vit.errors import VitError
from vit.export.twin import recipe, script
from vit.export.twin.recipe import Kind, Recipe
from vit.runs import archive

LABELS: dict[Kind, str] = {"script": "Code (train.py)", "notebook": "Code (notebook)"}
HEIGHT = 480  # pixels
KEPT = 60  # seconds for which an open menu believes what it has read


@st.dialog("The code of this run", width="large", icon=":material/code:")
def show(config: RunConfig) -> None:
    """The script of a run that has not begun, to read and to take away."""
    with mistakes.shown():
        wanted = recipe.of_config(config)
        st.caption(_about(wanted))
        with st.container(horizontal=True):
            for kind in LABELS:
                name = f"train{wanted.suffix(kind)}"
                read, refused = partial(content, wanted, kind), missing(wanted)
                st.download_button(
                    LABELS[kind],
                    data=read,
                    file_name=name,
                    key=f"code-{kind}",
                    on_click="ignore",
                    disabled=bool(refused),
                    help=refused or None,
                )
        st.code(script.script(wanted), language="python", height=HEIGHT)


def _about(wanted: Recipe) -> str:
    minutes = wanted.config.train.minutes
    length = f" {minutes:g} min are about {text.counted(wanted.steps, 'step')} on this machine." if minutes else ""
    packed = " The images or weights that it reads are in the download." if wanted.has_files else ""
    return f"One file with all that happens in this run. It needs nothing of ViT Lab.{length}{packed}"


def content(wanted: Recipe, kind: Kind) -> bytes:
    """The file of a download; read only once it is clicked."""
    from vit.export.twin import package

    target = io.BytesIO()
    package.write(wanted, kind, target)
    return target.getvalue()


def missing(wanted: Recipe) -> str:
    """Why a browser can't have it, or an empty text."""
    start = wanted.config.init.checkpoint
    if wanted.num_bytes <= archive.MOST_AT_ONCE:
        return _refused(wanted.run, start, wanted) if start else ""
    run = wanted.run or "RUN"
    command = f"python -m vit export {run} --format script --out {run}.zip"
    return f"{text.size(wanted.num_bytes)} of images are too much for a browser. From a shell: {command}"


@st.cache_data(ttl=KEPT, show_spinner=False)
def _refused(run: str, start: str, _wanted: Recipe) -> str:
    """What is wrong with the weights that a run starts from: a download that fails in a browser can't say it."""
    from vit.export.twin import package

    try:
        package.start_weights(_wanted)
    except VitError as error:
        return sentence(error)
    return ""


def sentence(error: VitError) -> str:
    """An error as the help text of a button."""
    words = literal(error).rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."
