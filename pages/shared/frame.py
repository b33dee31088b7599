"""The frame around every screen: title, navigation, and below it this machine and its active run."""

from pathlib import Path

import streamlit as st

from pages.shared import refresh
from pages.shared.literal import literal
from vit import devices, text
from vit.data import catalog
from vit.runs import queue, status

HERE = Path(__file__).parent
SIDEBAR_WIDTH = 230  # pixels
# Streamlit marks the link that has the keyboard's focus by a pale tint alone, which few can see; and it writes what is
# chosen or pointed at in the primary color, which can't be light enough to be read on a dark page and dark enough for
# white words.
STYLE = """<style>
[data-testid=stSidebar] :is(a, button):focus-visible { outline: 2px solid currentColor; }
:is([data-variant], [role=tab])[data-selected] { color: inherit !important; font-weight: 600; }
[kind=tertiary]:is(:hover, :focus, :active) { color: inherit !important; text-decoration: underline; }
</style>"""


def configure() -> None:
    """Set what must be known before the navigation: its icons would otherwise become the page's, from the network."""
    st.set_page_config(page_icon=str(HERE / "icon.svg"), layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)


def draw(page) -> None:
    """Draw everything around a page."""
    st.set_page_config(page_title=f"{page.title} · ViT Lab")
    st.logo(str(HERE / "logo.svg"), size="large", icon_image=str(HERE / "icon.svg"))
    st.html(STYLE)
    queue.ensure()
    run = status.active()
    with st.sidebar:
        if run:
            every = refresh.aside_seconds(run)
            st.fragment(_active_run, run_every=every)(run.id, every)
        with st.container(gap="xxsmall"):
            st.caption(f":material/memory: {devices.describe().label}")
            st.caption(f":material/photo_library: {', '.join(info.name for info in catalog.list_datasets())}")


def _active_run(run_id: str, every: int | None) -> None:
    """A card that follows to every page; when its run ends, the page is drawn anew without it."""
    run = status.active()
    if run is None or run.id != run_id or refresh.aside_seconds(run) != every:
        st.rerun()
    with st.container(border=True, gap="xsmall", key="active-run"):
        st.page_link(
            "pages/train/page.py",
            label=f"**{literal(run.id)}**",
            icon=":material/play_circle:",
            query_params={"run": run.id},
            help="Watch this run",
        )
        accuracy = run.status.best_val_accuracy
        reached = f" · val accuracy {text.percent(accuracy)}" if accuracy is not None else ""
        words = f"{run.status.phase or run.state} {text.percent(run.progress, 0)}{reached}"
        st.progress(run.progress, text=words)
