"""Runs a person's solution in a process of its own, with limits, and takes its answer for what it is: untrusted."""

import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import psutil
from pydantic import ValidationError

from vit import processes
from vit.learn.exercises.tasks import Task
from vit.learn.exercises.verdict import Verdict

CHILD = Path(__file__).with_name("confined.py")
SECONDS = 60  # for all, loading torch on a busy machine included; the child's own limit of computing time is shorter
TRAINING_SECONDS = 180  # likewise, where two short trainings come on top
MEMORY = 4 * 2**30  # bytes in use; the child's own limit is tighter, where the system has one
MOST_ANSWER = 64_000  # bytes
MOST_TEXT = 20_000  # characters of a solution
BETWEEN = 0.05  # seconds between two looks at the process


def train(task: Task, text: str) -> Verdict:
    """Check a solution as ``check`` does, and if it passes train a tiny model with it for some seconds.

    Returns:
        The verdict, with two trainings: ``trained`` with this solution, ``reference`` with ours.
    """
    return check(task, text, TRAINING_SECONDS, training=True)


def check(task: Task, text: str, seconds: float = SECONDS, training: bool = False) -> Verdict:
    """Check a solution in a limited process.

    Args:
        task: What it should do.
        text: The code, which nobody has looked at.
        seconds: How long it may take.
        training: Whether to train with it, too.

    Returns:
        The verdict; ``stopped`` says what was not allowed.
    """
    if len(text) > MOST_TEXT:
        return Verdict(hint=f"This is longer than {MOST_TEXT:,} characters. A solution needs about thirty lines.")
    with tempfile.TemporaryDirectory() as folder:
        process = processes.confined(CHILD, Path(folder))
        try:
            return _followed(process, json.dumps({"task": task.slug, "text": text, "train": training}), seconds)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def _followed(process: subprocess.Popen, question: str, seconds: float) -> Verdict:
    """Ask, and wait for the answer, the end of the process, or one of the limits."""
    answer: list[bytes] = []
    reader = threading.Thread(target=lambda: answer.append(process.stdout.read(MOST_ANSWER)), daemon=True)  # type: ignore[union-attr]
    reader.start()
    try:
        process.stdin.write(question.encode() + b"\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    except BrokenPipeError:  # it ended already; what it said is read below
        pass
    end = time.monotonic() + seconds
    while reader.is_alive():
        if time.monotonic() > end:
            return Verdict(stopped=f"The code was stopped after {seconds:.0f} seconds: is there an endless loop?")
        if _memory(process) > MEMORY:
            return Verdict(stopped=f"The code was stopped: it took more than {MEMORY // 2**30} GB of memory.")
        reader.join(BETWEEN)
    return _read(answer[0] if answer else b"", process)


def _memory(process: subprocess.Popen) -> int:
    try:
        return psutil.Process(process.pid).memory_info().rss
    except psutil.Error:
        return 0


def _read(answer: bytes, process: subprocess.Popen) -> Verdict:
    """The verdict in an answer, or what the end of the process says instead."""
    try:
        return Verdict.model_validate_json(answer)
    except ValidationError:
        process.kill()
        code = process.wait()
    if code < 0 and not answer:
        return Verdict(stopped="The code was stopped: it computed for too long. Is there an endless loop?")
    return Verdict(
        stopped="The process ended without an answer: did the code end it, or write where only the answer goes?"
    )
