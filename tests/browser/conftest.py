"""The real app in a real browser: a server on a free port, and a guard over what the browser does."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    *"--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split(),
    *"--disable-component-update --disable-sync".split(),
    "--host-resolver-rules=MAP *.test 127.0.0.1",  # the websites of strangers, on this machine
]
# Streamlit's front end tries these below a page's own address before it finds the server one level up.
EXPECTED = ("/_stcore/health", "/_stcore/host-config")
START_SECONDS = 60
WAIT_SECONDS = 60
WIDTH, HEIGHT = 1280, 900


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@dataclass
class Server:
    """A running app with a home of its own."""

    home: Path
    port: int = 0
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, on the port of an earlier life if there was one, and wait until it answers."""
        self.port = self.port or free_port()
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
        environment = {**os.environ, "VIT_HOME": str(self.home), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen([*command, "--server.port", str(self.port)], cwd=ROOT, env=environment)
        deadline = time.monotonic() + START_SECONDS
        while not is_healthy(self.url):
            assert time.monotonic() < deadline, "the server did not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Guard:
    """What the browser did that it should not have done."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page) -> None:
        page.on("request", self._request)
        page.on("console", lambda message: self._console(message) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _request(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.requests.append(request.url)

    def _console(self, message) -> None:
        if not message.location["url"].endswith(EXPECTED):
            self.complaints.append(f"{message.text} {message.location['url']}")


@pytest.fixture(scope="session")
def chromium():
    """The browser that the system has."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        sync_api.expect.set_options(timeout=WAIT_SECONDS * 1000)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    """One server for a module; its tests give their runs different names."""
    yield from serving(tmp_path_factory.mktemp("home"))


@pytest.fixture
def fresh_server(tmp_path) -> Iterator[Server]:
    """A server that nobody has visited yet."""
    yield from serving(tmp_path / "home")


def serving(home: Path) -> Iterator[Server]:
    """A server whose home is also that of the test itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIT_HOME", str(home))
        started = Server(home)
        started.start()
        yield started
        started.kill()


@pytest.fixture
def guard() -> Guard:
    return Guard()


@pytest.fixture
def page(chromium, guard):
    """A page whose misbehavior fails the test."""
    with guarded(chromium, guard) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_page(chromium):
    """One page for the tests of a module, which leave nothing behind in it."""
    with guarded(chromium, Guard()) as opened:
        yield opened


@contextmanager
def guarded(chromium, guard: Guard):
    """A page that is watched until it is closed."""
    context = chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    context.set_default_timeout(WAIT_SECONDS * 1000)
    opened = context.new_page()
    guard.watch(opened)
    yield opened
    context.close()
    assert guard.requests == []
    assert guard.complaints == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as response:
            return response.read() == b"ok"
    except OSError:
        return False
