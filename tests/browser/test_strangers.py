"""Nobody but the person at the app drives it: not a website with another name, in a frame, or on another port."""

import http.server
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from vit.runs import status

DRIVING = """
address => new Promise(done => {
  const socket = new WebSocket(address, ["streamlit"]);
  socket.onopen = () => done("open");
  socket.onerror = () => done("refused");
})
"""


class _Stranger(http.server.BaseHTTPRequestHandler):
    """A website that shows the app in a frame."""

    app = ""

    def do_GET(self):  # noqa: N802
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<h1>Stranger</h1><iframe src='{self.app}/train' width=900 height=600></iframe>".encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def stranger(server) -> Iterator[str]:
    """The address of a website that isn't the app."""
    handler = type("Stranger", (_Stranger,), {"app": server.url})
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{site.server_port}"
    site.shutdown()


@pytest.fixture
def anywhere(chromium):
    """A page that may go to strangers."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def answer(port: int, host: str, path: str = "/", **headers: str) -> int:
    """The status of an answer to a request with these headers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host, **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "", "10.0.0.1", "[::2]"])
def test_a_foreign_host_name_is_refused(server, host):
    assert answer(server.port, f"{host}:{server.port}") == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("path", ["/", "/train", "/_stcore/health"])
def test_the_apps_own_names_are_answered(server, host, path):
    assert answer(server.port, f"{host}:{server.port}", path) == 200


@pytest.mark.parametrize("origin", ["http://evil.test", "http://127.0.0.1:1", "https://localhost:1", "null"])
@pytest.mark.parametrize("path", ["/_stcore/health", "/_stcore/upload_file/a/b"])
def test_a_request_from_another_origin_is_refused(server, origin, path):
    assert answer(server.port, f"127.0.0.1:{server.port}", path, Origin=origin) == 403


def test_a_website_whose_name_leads_here_does_not_get_the_app(server, anywhere):
    response = anywhere.goto(f"http://rebound.test:{server.port}/train")
    assert response.status == 400
    assert "Train" not in anywhere.content()


def test_a_page_on_another_port_opens_no_websocket(server, stranger, anywhere):
    anywhere.goto(stranger)
    for name in ("127.0.0.1", "localhost"):
        assert anywhere.evaluate(DRIVING, f"ws://{name}:{server.port}/_stcore/stream") == "refused"
    anywhere.goto(server.url)
    assert anywhere.evaluate(DRIVING, f"ws://127.0.0.1:{server.port}/_stcore/stream") == "open"


def test_a_strangers_frame_stays_empty(server, stranger, anywhere):
    anywhere.goto(stranger)
    anywhere.get_by_role("heading", name="Stranger").wait_for()
    anywhere.wait_for_timeout(1500)
    frames = anywhere.frames[1:]
    assert frames
    assert all("Train" not in frame.content() for frame in frames)
    assert status.list_runs() == []


def test_the_server_is_reached_from_this_machine_alone(server):
    for address in {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}:
        if not address.startswith("127."):
            with socket.socket() as probe:
                assert probe.connect_ex((address, server.port)) != 0
