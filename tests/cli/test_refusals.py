"""Wrong use and a hostile environment get one line on stderr, exit code 2 and an empty stdout; never a traceback."""

import os
import time

import pytest
from shells import TIMEOUT, Shell

from vit.__main__ import main


def refused(out: str, err: str, code: int) -> str:
    """The one line that wrong use gets, after what was done until then."""
    assert (code, out) == (2, "")
    said = [line for line in err.splitlines() if not line.startswith("Reading the data")]
    assert len(said) == 1, err
    return said[0]


@pytest.fixture
def refusal(shell, monkeypatch, capsys):
    """Asks for what is wrong, in this process, which is quicker."""
    monkeypatch.setenv("VIT_HOME", str(shell.home))

    def ask(*words) -> str:
        try:
            code = main([str(word) for word in words])
        except SystemExit as ended:
            code = ended.code
        return refused(*capsys.readouterr(), code)

    return ask


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["fly"], "'fly'"),
        (["train", "--preset", "huge"], "'1-minute'"),
        (["train", "--set", "lr"], "train.lr=1e-3"),
        (["train", "--set", "model.embed_dim=30", "--set", "train.lr=nan"], "num_heads"),
        (["train", "--set", "model.width=3"], "model.embed_dim"),
        (["train", "--data", "nowhere"], "python -m vit data import"),
        (["train", "--steps", "3", "--epochs", "1"], "not allowed with"),
        (["train", "--init", "nobody"], "no model called 'nobody'"),
        (["resume", "nobody"], "no run called 'nobody'"),
        (["stop", "../nobody"], "can't be a run's name"),
        (["evaluate", "nobody", "--data", "shapes"], "no model called 'nobody'"),
        (["predict", "nobody", "a.png"], "no model called 'nobody'"),
        (["explain", "nobody", "vit/samples/cat.jpg", "--out", "map.gif"], "ends in .png"),
        (["export", "nobody", "--format", "onnx", "--out", "x"], "timm"),
        (["data", "fetch", "mnist"], "cifar10"),
    ],
)
def test_wrong_use_gets_one_line_with_the_remedy(refusal, words, said):
    assert said in refusal(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--run", "base", "--steps", "3"], "already a run called 'base'"),
        (["train", "--init", "base", "--set", "model.depth=5"], "depth is 2 there and 5 here"),
        (["resume", "base"], "base is finished"),
        (["stop", "base"], "nothing to stop"),
        (["evaluate", "base", "--data", "IMAGES"], "IMAGES has blue, green, red"),
    ],
)
def test_what_does_not_fit_a_run_is_refused_with_the_reason(refusal, trained, images, words, said):
    place = str(images)
    assert said.replace("IMAGES", place) in refusal(*[word.replace("IMAGES", place) for word in words])


@pytest.mark.parametrize("words", ["train --steps 3", "train --data IMAGES", "data fetch cifar10"])
def test_a_home_that_can_not_be_written_is_named(tmp_path, images, words):
    (tmp_path / "file").touch()
    shell = Shell(tmp_path / "file" / "home")
    done = shell(*words.replace("IMAGES", str(images)).split())
    assert str(shell.home) in refused(done.stdout, done.stderr, done.returncode)


def test_without_a_network_fetching_says_how_to_import_instead(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # where nobody listens
    monkeypatch.delenv("no_proxy", raising=False)
    started = time.monotonic()
    done = Shell(tmp_path)("data", "fetch", "cifar10")
    remedy = "python -m vit data import cifar-10-python.tar.gz"
    assert remedy in refused(done.stdout, done.stderr, done.returncode)
    assert time.monotonic() - started < 60


@pytest.mark.skipif(os.name != "posix", reason="closes a stream as POSIX shells do")
@pytest.mark.parametrize(("stream", "words", "code"), [(1, "data list", 0), (2, "data fetch mnist", 2)])
def test_a_closed_stream_is_no_traceback(shell, stream, words, code):
    with shell.start(*words.split(), preexec_fn=lambda: os.close(stream)) as process:
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (code, "", "")


def test_a_reader_that_has_seen_enough_is_no_traceback(shell):
    process = shell.start("data", "list", "--json")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(TIMEOUT) == 0
    process.stderr.close()
