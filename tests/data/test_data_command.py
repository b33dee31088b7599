import json
import os
import pty
import re
import subprocess
import sys
import termios

import pytest

from vit import paths
from vit.__main__ import main
from vit.cli.progress import Progress
from vit.data import catalog


@pytest.fixture
def run(home, capsys):
    """Gives a command and returns its exit code, and what it prints on stdout and stderr."""

    def ask(*words) -> tuple[int, str, str]:
        try:
            code = main(["data", *map(str, words)])
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return ask


def test_a_folder_is_imported_listed_and_removed_from_the_shell(run, folder, class_files):
    code, out, err = run("import", folder({**class_files, "cat/bad.png": b"no"}), "--name", "pets")
    assert code == 0, err
    assert "2 classes, 6 train, 8 px, 1 files left out" in out
    assert "left out cat/bad.png: bad.png is not an image" in out
    listed = {info["name"]: info for info in json.loads(run("list", "--json")[1])}
    assert listed["pets"]["counts"] == {"train": 6}
    assert run("remove", "pets")[0] == 0
    assert [info.name for info in catalog.list_datasets()] == ["shapes"]


def test_classes_are_previewed_renamed_and_dropped_from_the_shell_and_copies_are_found(run, folder, class_files, image):
    path = folder({**class_files, "tabby/0.png": image(0), "bird/0.png": image(99)})  # image(0) is a cat's, too
    options = (path, "--name", "pets", "--class", "tabby=cat", "--drop", "bird")
    _, previewed, _ = run("import", *options, "--preview")
    assert [line.split() for line in previewed.splitlines()] == [["cat", "4", "train"], ["dog", "3", "train"]]
    assert [info.name for info in catalog.list_datasets()] == ["shapes"]
    assert run("import", *options)[0] == 0
    assert catalog.describe("pets").classes == ("cat", "dog")
    found = json.loads(run("duplicates", "pets", "--json")[1])
    assert (found["num_equal"], found["num_near"], found["num_leaked"]) == (1, 0, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "/nowhere", "--name", "pets"),
        ("import", ".", "--name", "pets", "--class", "cat"),
        ("import", ".", "--name", "../pets"),
        ("import", ".", "--name", "pets", "--image-size", "3"),
        ("remove", "pets"),
        ("fetch", "mnist"),
        ("list", "--wrong"),
    ],
)
def test_mistakes_get_one_line_and_code_2(run, arguments):
    code, out, err = run(*arguments)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_progress_goes_to_a_log_in_few_lines_and_not_at_all_when_quiet(capsys):
    for quiet in (True, False):
        with Progress("Reading", "images", quiet) as progress:
            for done in range(1001):
                progress(done, 1000, "still")
        text = capsys.readouterr().err
        assert len(text.splitlines()) <= (0 if quiet else 3)
    assert "Reading: 100%" in text.splitlines()[-1]
    assert "1000/1000" in text.splitlines()[-1]
    assert "still" in text.splitlines()[-1]


def test_progress_on_a_terminal_is_one_line_that_changes():
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 120))
    code = (
        "import time; from vit.cli.progress import Progress\n"
        "with Progress('Loading', 'B') as progress:\n"
        "    for done in range(13):\n"
        "        progress(done * 10**6, 12 * 10**6, 'from afar'); time.sleep(0.12)\n"
        "    progress.note('a note')"
    )
    subprocess.run([sys.executable, "-c", code], stderr=follower, cwd=paths.PROJECT, check=True)
    os.close(follower)
    text = os.read(leader, 65536).decode()
    os.close(leader)
    assert text.count("\n") == 2
    assert re.search(r"Loading:  *\d+%\|.*\| \d\.\d+M/12\.0M \[00:0\d<00:0\d, \d\.\d+MB/s, from afar\]", text)


def test_a_second_pass_over_the_data_starts_the_bar_anew(capsys):
    with Progress("Reading", "images") as progress:
        for done in (50, 100, 10, 20):
            progress(done, 100)
    assert "20/100" in capsys.readouterr().err.splitlines()[-1]
