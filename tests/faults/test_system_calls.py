"""Every system call of a save, with five faults each: nothing is torn, lost or forgotten."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("system calls"),  # they share what one process found
    pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> list[dict]:
    """What was left by each call and fault."""
    folder = tmp_path_factory.mktemp("faults")
    library = folder / "faulty.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "faulty.c", "-ldl"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.saving", library, folder / "home"],
        env={**os.environ, "LD_PRELOAD": str(library)},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def of(found: list[dict], writer: str) -> list[dict]:
    return [row for row in found if row["writer"] == writer]


def test_a_save_is_torn_by_no_fault(found):
    ours = of(found, "ours")
    assert len(ours) > 50
    assert [row for row in ours if row["torn"]] == []


def test_what_was_there_before_is_there_afterwards(found):
    assert all(4 in row["listed"] for row in of(found, "ours"))


def test_what_was_acknowledged_is_listed(found):
    assert all(8 in row["listed"] for row in of(found, "ours") if row["acknowledged"])
    assert any(row["acknowledged"] for row in of(found, "ours"))
    assert not all(row["acknowledged"] for row in of(found, "ours"))


def test_the_next_process_leaves_nothing_over_and_loses_no_line(found):
    for row in of(found, "ours"):
        kept = {4, 8, 12} & set(row["listed"]) | {12}
        newest = sorted(kept)[-2:]
        whole = [name for name in row["later"] if name.endswith(".tmp")]
        assert whole == [], row
        assert {f"step-{step}.safetensors" for step in newest} <= set(row["later"]), row
        assert row["rows"][-1] == 12, row
        assert row["rows"][0] == 4, row


def test_a_writer_that_overwrites_the_last_checkpoint_loses_it(found):
    """The negative control: the same faults do find what is wrong with it."""
    assert len([row for row in of(found, "naive") if row["listed"] == [] or row["torn"]]) > 5
