"""Wrong use and a hostile environment get one line on stderr, exit code 2 and an empty stdout; never a traceback."""

import os
import re
import time

import pytest
from PIL import Image
from shells import TIMEOUT, Shell

from vit import paths
from vit.__main__ import main


def refused(out: str, err: str, code: int) -> str:
    """The one line that wrong use gets, after what was done until then."""
    assert (code, out) == (2, "")
    said = [line for line in err.splitlines() if line and not line.startswith("Reading the data")]  # drawn after \r
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
        (["export", "nobody", "--format", "script", "--out", "x.zip"], "no run called 'nobody'"),
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


EVIL = "evil\x1b[2J\r\u202e"


@pytest.fixture
def evil_images(tmp_path):
    """Class folders and files whose names try to steer a terminal; one of the files is broken."""
    folder = tmp_path / f"images{EVIL}"
    for name in (f"cat{EVIL}", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8), (number, 9, 9)).save(folder / name / f"{number}.png")
    (folder / "dog" / f"broken{EVIL}.png").write_bytes(b"nothing")
    return folder


def test_names_from_elsewhere_can_not_steer_the_terminal(evil_images, refusal, shell, capsys):
    assert main(["data", "import", str(evil_images), "--name", "evil"]) == 0
    assert main(["data", "list"]) == 0
    said = capsys.readouterr()
    assert "left out dog/broken" in said.out
    text = said.out + said.err.replace("\r", "") + refusal("evaluate", "cifar10-plain", "--data", evil_images)
    text += refusal("data", "import", evil_images / EVIL, "--name", "x") + refusal("stop", EVIL) + refusal("fly" + EVIL)
    assert "\\x1b[2J" in text
    assert not {"\x1b", "\r", "\u202e"} & set(text)


def test_lines_for_people_are_printed_in_one_place():
    printing = [
        f"{path.name}: {line.strip()}"
        for path in (paths.PROJECT / "vit/cli").glob("*.py")
        for line in path.read_text().splitlines()
        if re.search(r"\bprint\((?!json\.dumps)|std(out|err)\.write|tqdm\.write\((?!printable)", line)
    ]
    assert printing == ["lines.py: print(printable(line), file=file or sys.stdout, flush=True)"]
