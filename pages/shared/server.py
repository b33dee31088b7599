"""What the server needs beyond the pages: two file routes, a start without false alarms, and quick answers."""

import functools
import gc
import importlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import streamlit as st
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pages.shared import component, run_rows

# Torch's threads that wait should sleep: one that spins holds the core that the other one, or a training, needs. Read
# when torch is loaded, so it is set here, before any page.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# While modules are loaded, the garbage collector goes through all their objects again and again and finds nothing: a
# tenth of the wait for the first answer. ``settle`` enables it.
gc.disable()

WARM_UP_SECONDS = 10.0  # after the server's start


def routes() -> list[Mount]:
    """The components' modules, and Plotly's own JavaScript from where it is installed: no request to elsewhere."""
    base = st.get_option("server.baseUrlPath").strip("/")
    prefix = f"/{base}" if base else ""
    plotly = str(files("plotly") / "package_data")
    return [
        Mount(f"{prefix}/{component.ROUTE}", app=component.Modules(directory=component.PAGES)),
        Mount(f"{prefix}/vendor", app=StaticFiles(directory=plotly)),
    ]


@contextmanager
def without_false_alarms() -> Iterator[None]:
    """Keep Streamlit from warning that the import at the server's start is not a visit; it is not meant to be."""
    logger = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def warm_up(*screens: str) -> None:
    """Load in the background what is slow to load, once the first visitor is likely to have the first answer.

    Sooner it would hold that up: the Start page came after 3.9 s instead of 3.0 s. A screen that is opened before loads
    the same modules itself.

    Args:
        screens: Modules of screens.
    """
    timer = threading.Timer(WARM_UP_SECONDS, _load, args=screens)
    timer.name = "warm-up"
    timer.daemon = True
    timer.start()


def _load(*screens: str) -> None:
    import pandas  # noqa: F401  (for tables)

    for screen in screens:
        importlib.import_module(screen)
    run_rows.frame(run_rows.summaries(), ("curve",))
    settle("start")


@functools.cache
def settle(what: str) -> None:
    """Take what is loaded by now out of the garbage collector's sight and enable it, once per server for each ``what``.

    Streamlit collects garbage after every run of a page or fragment, and no answer is sent meanwhile. Torch brings
    hundreds of thousands of objects that never go; searching them every time cost 0.2 s of every click.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
