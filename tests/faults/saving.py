"""Saves a checkpoint under every fault of every system call, each in a process of its own; prints what was left.

Runs with ``faulty.so`` loaded (see ``test_system_calls.py``): ``python -m tests.faults.saving SO HOME``.
"""

import ctypes
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from tests.training.conftest import CPU, striped_images, tiny_config
from vit import checkpoint, files
from vit.data.load import Dataset
from vit.errors import VitError
from vit.runs import launch
from vit.runs.changes import Course
from vit.runs.directory import Run, read_lines
from vit.runs.metrics import read_metrics
from vit.training import planning
from vit.training.batches import prepare
from vit.training.recorder import Recorder
from vit.training.state import TrainState, new_state

FAULTS = ("kill before", "kill after", "no space", "I/O error", "short write")  # in the order of faulty.c
BEFORE, NOW, LATER = 4, 8, 12  # steps


def main() -> None:
    torch.set_num_threads(1)
    library, home = ctypes.CDLL(sys.argv[1]), sys.argv[2]
    os.environ["VIT_HOME"] = home
    config = tiny_config(train__optimizer="sgd")
    images = Dataset("striped", ("a", "b", "c"), striped_images(96, 0), striped_images(30, 1), "fingerprint")
    data = prepare(images, config, CPU)
    run = launch.create(config, "one")
    recorder, state = Recorder(run), new_state(config, CPU)
    recorder.begin(Course(run, config, planning.make_plan(config, data, CPU, "fp32", recorder)))
    state.step = BEFORE
    save(recorder, state)
    shutil.copytree(run.path, f"{home}/before")
    state.step = NOW
    for name, saving in (("ours", save), ("naive", naive_save)):
        reset(run, f"{home}/before")
        calls = count_calls(library, run, lambda saving=saving: saving(recorder, state))
        for call in range(calls):
            for fault, words in enumerate(FAULTS):
                reset(run, f"{home}/before")
                acknowledged = in_child(library, run, call, fault, lambda saving=saving: saving(recorder, state))
                found = {"writer": name, "call": call, "fault": words, "acknowledged": acknowledged}
                found |= left(run)
                found |= afterwards(library, recorder, state) if name == "ours" else {}
                print(json.dumps(found), flush=True)


def save(recorder: Recorder, state: TrainState) -> bool:
    """What the loop does at a validation."""
    recorder.training(state, {"train_loss": 1.0})
    recorder.snapshot(state)
    return recorder.save(state)


def naive_save(recorder: Recorder, state: TrainState) -> bool:
    """Writes over the only checkpoint, for comparison."""
    path = recorder.run.checkpoints_path / f"step-{BEFORE}.safetensors"
    content = path.read_bytes()
    try:
        with open(path, "wb") as file:
            for start in range(0, len(content), 4096):
                file.write(content[start : start + 4096])
                file.flush()
    except OSError:
        return False
    return True


def in_child(library, run: Run, call: int, fault: int, work: Callable[[], bool]) -> bool:
    """Whether a process that meets the fault tells that it has saved."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        log = os.open("/dev/null", os.O_WRONLY)
        os.dup2(log, 1)
        library.fault_arm(str(run.path).encode(), call, fault)
        told = b"1" if work() else b"0"
        library.fault_arm(b"", -2, 0)
        os.write(writing, told)
        os._exit(0)
    os.close(writing)
    told = os.read(reading, 1)
    os.close(reading)
    os.waitpid(child, 0)
    return told == b"1"


def count_calls(library, run: Run, work: Callable[[], bool]) -> int:
    """How many system calls a save makes in the folder of its run; none of them fails."""
    child = os.fork()
    if child == 0:
        library.fault_arm(str(run.path).encode(), 10**6, 0)
        work()
        os._exit(library.fault_count())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def reset(run: Run, before: str) -> None:
    shutil.rmtree(run.path)
    shutil.copytree(before, run.path)


def left(run: Run) -> dict:
    """The checkpoints that are listed, and those of them that can't be loaded."""
    listed, torn = [saved.step for saved in run.saved()], []
    for saved in (*run.saved(), *run.series()):
        try:
            checkpoint.load(run.checkpoints_path / saved.file)
        except VitError:
            torn.append(saved.file)
    return {"listed": listed, "torn": torn}


def afterwards(library, recorder: Recorder, state: TrainState) -> dict:
    """What the next process, which meets no fault, finds and leaves."""
    run = recorder.run
    state.step = LATER
    files.remove_leftovers(run.checkpoints_path)
    files.remove_leftovers(run.series_path)
    assert in_child(library, run, 10**6, 0, lambda: save(recorder, state))
    state.step = NOW
    names = {path.name for path in run.checkpoints_path.rglob("*") if path.is_file()}
    lines = len(read_lines(run.metrics_path))
    return {"later": sorted(names), "rows": [row["step"] for row in read_metrics(run)], "lines": lines}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
