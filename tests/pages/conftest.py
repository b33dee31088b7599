"""Screens as a visitor sees them, without a browser."""

from contextlib import ExitStack
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from worlds import saved, written_run

from pages.shared import server

APP = Path(__file__).resolve().parents[2] / "app.py"
PAGES = {
    "start": None,
    "train": "pages/train/page.py",
    "runs": "pages/runs/page.py",
    "experiments": "pages/experiments/page.py",
    "data": "pages/data/page.py",
    "predict": "pages/predict/page.py",
    "attention": "pages/attention/page.py",
    "evaluate": "pages/evaluate/page.py",
    "learn": "pages/learn/page.py",
}


@pytest.fixture(scope="session", autouse=True)
def settled():
    """What Streamlit does at every visit and a test need not: collect torch's garbage, look for other components."""
    server.settle("tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", lambda *_, **__: [])
        yield


@pytest.fixture(autouse=True)
def empty_home(home, monkeypatch, tmp_path):
    """Every test has a home of its own, no shipped model, and nothing remembered from the test before."""
    monkeypatch.setattr("vit.paths.pretrained_root", lambda: tmp_path / "no-models")
    monkeypatch.setattr("pages.shared.visitor.current", lambda: "")  # AppTest has no browser with cookies
    st.cache_data.clear()
    st.cache_resource.clear()
    return home


@pytest.fixture
def visit():
    """Open a screen at its address, where nothing may raise: ``visit("train", run="quick-otter")``."""

    def open_screen(screen: str = "start", **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        if PAGES[screen]:
            app.run()
            app.switch_page(PAGES[screen])
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_screen


@pytest.fixture
def model() -> str:
    """A trained model."""
    saved(written_run("wise-wolf"), 1000)
    return "wise-wolf"


@pytest.fixture
def alive():
    """Collects locks that stand for living workers."""
    with ExitStack() as stack:
        yield stack
