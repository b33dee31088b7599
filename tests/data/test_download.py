"""Against real HTTP servers on this machine, each misbehaving in its own way."""

import hashlib
import http.server
import pickle
import random
import threading
from dataclasses import replace

import pytest
from filelock import FileLock

from vit.data import catalog, cifar10, download
from vit.data.download import RemoteFile
from vit.errors import DataError

CONTENT = random.Random(0).randbytes(300_000)


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves ``server.content``; the server's other attributes say how badly."""

    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0]) if server.resumes else 0
        body = server.content[start:]
        self.send_response(server.status or (206 if server.resumes else 200))
        self.send_header("Content-Type", server.kind)
        if server.announces:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut.pop(0)] if server.cut else body)
        self.wfile.flush()
        if server.stalls:
            server.released.wait(5)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Starts a mirror; returns its server, with ``url``."""
    servers = []

    def start(content=CONTENT, **behavior):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        defaults = {"status": None, "resumes": True, "kind": "application/gzip", "announces": True, "stalls": False}
        for name, value in {**defaults, "cut": [], **behavior}.items():
            setattr(server, name, value)
        server.content, server.requests, server.released = content, [], threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/data.bin"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


def remote(*servers, content=CONTENT):
    urls = tuple(server.url for server in servers)
    return RemoteFile("data.bin", len(content), hashlib.sha256(content).hexdigest(), urls)


def test_a_good_mirror_delivers_with_progress(serve, tmp_path):
    calls = []
    path = download.download(remote(serve()), tmp_path, lambda *report: calls.append(report))
    assert path.read_bytes() == CONTENT
    assert calls[-1][:2] == (len(CONTENT), len(CONTENT))
    assert calls[-1][2].startswith("downloading from 127.0.0.1")
    assert not list(tmp_path.glob("*.part"))


def test_what_is_there_is_not_downloaded_again(serve, tmp_path):
    mirror = serve()
    download.download(remote(mirror), tmp_path)
    download.download(remote(mirror), tmp_path)
    assert len(mirror.requests) == 1


@pytest.mark.parametrize("seed", range(12))
def test_a_download_cut_anywhere_goes_on_at_the_next_mirror(serve, tmp_path, seed):
    cut = random.Random(seed).randrange(1, len(CONTENT))
    first, second = serve(cut=[cut]), serve()
    assert download.download(remote(first, second), tmp_path).read_bytes() == CONTENT
    assert second.requests == [f"bytes={cut}-"]


def test_a_new_attempt_goes_on_where_the_last_one_ended(serve, tmp_path):
    with pytest.raises(DataError, match="broke off after 2,000 of 300,000 bytes"):
        download.download(remote(serve(cut=[1000, 1000])), tmp_path)
    again = serve()
    assert download.download(remote(again), tmp_path).read_bytes() == CONTENT
    assert again.requests == ["bytes=2000-"]


def test_a_mirror_that_can_not_resume_starts_over(serve, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT[:5000])
    assert download.download(remote(serve(resumes=False)), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("seed", range(5))
def test_a_flipped_bit_is_refused_and_the_next_mirror_starts_afresh(serve, tmp_path, seed):
    damaged = bytearray(CONTENT)
    damaged[random.Random(seed).randrange(len(CONTENT))] ^= 1
    good = serve()
    assert download.download(remote(serve(bytes(damaged)), good), tmp_path).read_bytes() == CONTENT
    assert good.requests == ["bytes=0-"]


def test_wrong_content_everywhere_is_never_given_its_name(serve, tmp_path):
    with pytest.raises(DataError, match="wrong content, checksum .* instead of"):
        download.download(remote(serve(bytes(len(CONTENT)))), tmp_path)
    assert not (tmp_path / "data.bin").exists()
    assert not (tmp_path / "data.bin.part").exists()


def test_a_login_page_is_recognized_and_costs_nothing(serve, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT[:5000])
    portal = serve(b"<html>Please log in</html>", kind="text/html", status=200)
    good = serve()
    assert download.download(remote(portal, good), tmp_path).read_bytes() == CONTENT
    assert good.requests == ["bytes=5000-"]
    with pytest.raises(DataError, match="a web page, perhaps the login page of this network"):
        download.download(replace(remote(portal), name="other.bin"), tmp_path)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x"])
@pytest.mark.parametrize("announces", [True, False])
def test_a_file_of_another_length_is_refused(serve, tmp_path, content, announces):
    with pytest.raises(DataError, match="could not be downloaded"):
        download.download(remote(serve(content, announces=announces)), tmp_path)


def test_a_silent_mirror_is_left(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "STALL_SECONDS", 0.2)
    assert download.download(remote(serve(cut=[1000], stalls=True), serve()), tmp_path).read_bytes() == CONTENT


def test_a_slow_mirror_is_left_but_used_if_there_is_no_other(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(download, "TOO_SLOW", 1e12)
    only = serve()
    assert download.download(remote(only), tmp_path).read_bytes() == CONTENT
    assert len(only.requests) == 2


def test_without_a_network_it_says_what_to_do(serve, tmp_path):
    gone, missing = serve(), serve(status=404)  # both before one goes, whose port could be given away again
    gone.shutdown()
    gone.server_close()
    with pytest.raises(DataError) as caught:
        download.download(remote(gone, missing), tmp_path)
    message = str(caught.value)
    assert "refused" in message
    assert "answered 404" in message
    assert "python -m vit data import data.bin --name data" in message


def test_a_mirror_that_can_not_be_reached_is_asked_only_once(serve, tmp_path, monkeypatch):
    gone, asked, urlopen = serve(), [], download.urllib.request.urlopen
    gone.shutdown()
    gone.server_close()
    monkeypatch.setattr(download.urllib.request, "urlopen", lambda *a, **k: asked.append(1) or urlopen(*a, **k))
    with pytest.raises(DataError, match="refused"):
        download.download(remote(gone), tmp_path)
    assert len(asked) == 1


def test_of_two_downloads_at_once_one_is_refused(tmp_path):
    with FileLock(tmp_path / ".data.bin.lock"), pytest.raises(DataError, match="already"):
        download.download(RemoteFile("data.bin", 1, "", ()), tmp_path)


def test_fetching_cifar10_downloads_imports_and_cleans_up(serve, tar, monkeypatch):
    import numpy as np

    batch = {b"data": np.zeros((10, 3072), np.uint8), b"labels": list(range(10))}
    path = tar({f"cifar-10-batches-py/{name}": pickle.dumps(batch, 2) for name in cifar10.BATCHES})
    mirror = serve(path.read_bytes())
    known = replace(remote(mirror, content=path.read_bytes()), name="cifar-10-python.tar.gz")
    monkeypatch.setitem(download.REMOTE, "cifar10", known)
    info = download.fetch("cifar10")
    assert info.counts == {"train": 50, "test": 10}
    assert catalog.describe("cifar10").fingerprint == info.fingerprint
    assert not list(download.downloads().glob("*.gz"))
    assert download.fetch("cifar10").fingerprint == info.fingerprint
    assert len(mirror.requests) == 1


def test_an_unknown_name_is_refused():
    with pytest.raises(DataError, match="'mnist' can't be fetched: there is cifar10"):
        download.fetch("mnist")


def test_the_known_mirrors_are_encrypted_and_distinct():
    hosts = [url.split("/")[2] for url in download.CIFAR10.mirrors]
    assert len(set(hosts)) == len(hosts) >= 3
    assert all(url.startswith("https://") for url in download.CIFAR10.mirrors)
