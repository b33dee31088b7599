"""A solution runs in a process that stops what an exercise has no need of, and says what it stopped."""

import time

import pytest
from solutions import ATTENTION, RIGHT

from vit.learn import sandbox
from vit.learn.exercises.tasks import ATTENTION as TASK
from vit.learn.exercises.tasks import IMPORTS, TASKS
from vit.learn.exercises.verdict import Verdict

FILE, PROCESS, NETWORK = "Opening a file was stopped", "Starting a process was stopped", "Opening a network connection"
MEMORY = "More memory than an exercise may have was asked for, and stopped"
ENDED = "The process ended without an answer"
QUICK = {"torch.os.fork()": PROCESS, "print(self.d)": ""}
ATTACKS = {
    "while True: pass": "computed for too long",
    "while True: torch.os.fork()": PROCESS,
    "torch.os.execv('/bin/sh', ['sh'])": PROCESS,
    "torch.os.posix_spawn('/bin/sh', ['sh'], {})": PROCESS,
    "torch.sys.modules['subprocess'].run(['ls'])": PROCESS,
    "open('/etc/hostname').read()": FILE,
    "open('note.txt', 'w')": FILE,
    "open('FOLDER/note.txt', 'w')": FILE,
    "torch.UntypedStorage.from_file('FOLDER/note.txt', True, 10)": FILE,
    "torch.os.remove('FOLDER/kept.txt')": "operating system was stopped",
    "torch.sys.modules['socket'].socket()": NETWORK,
    "torch.zeros(10 * 2**30, dtype=torch.uint8)": MEMORY,
    "[0] * (10 * 2**27)": MEMORY,
    "\n        try: open('/etc/hostname')\n        except BaseException: pass": FILE,
    "torch.os._exit(0)": ENDED,
    "torch.os.write(1, b'x' * 100_000)": ENDED,
    "torch.sys.modules['time'].sleep(100)": "after 15 seconds",
    "raise SystemExit": ENDED,
    "torch.os._exit = print; open('x')": FILE,
}
pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="other systems lack some of the limits")


def checked(line: str) -> Verdict:
    text = ATTENTION.replace("        B, N, D =", f"        {line}\n        B, N, D =")
    return sandbox.check(TASK, IMPORTS + text, seconds=15)


@pytest.mark.parametrize("line", QUICK)
def test_a_solution_is_judged_in_a_process_of_its_own(line):
    found = checked(line)
    assert QUICK[line] in found.stopped
    assert found.passed == (QUICK[line] == "")
    assert set(found.printed.split()) == ({"4", "5"} if found.passed else set())  # in both sizes


@pytest.mark.slow
@pytest.mark.parametrize("line", ATTACKS)
def test_what_a_solution_has_no_need_of_is_stopped_with_a_sentence(line, tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    begin = time.monotonic()
    found = checked(line.replace("FOLDER", str(tmp_path)))
    assert not found.passed
    assert ATTACKS[line] in found.stopped + found.hint
    assert [file.name for file in tmp_path.iterdir()] == ["kept.txt"]
    assert time.monotonic() - begin < 30


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.slug)
def test_a_right_solution_can_be_trained_with(task):
    found = sandbox.train(task, IMPORTS + RIGHT[task.slug][0])
    assert found.passed
    assert len(found.checks) == 5
    for curve in (found.trained, found.reference):
        assert sum(curve.losses[-10:]) < 0.8 * sum(curve.losses[:10])  # it learns
    assert found.trained.losses != found.reference.losses


@pytest.mark.slow
def test_a_training_has_the_limits_of_a_check():
    """The text behaves while it is checked, in double precision, and not in training."""
    late = "if x.dtype == torch.float32: open('/etc/hostname')"
    found = sandbox.train(TASK, IMPORTS + ATTENTION.replace("        B, N, D =", f"        {late}\n        B, N, D ="))
    assert not found.passed
    assert found.trained is None
    assert FILE in found.stopped


@pytest.mark.slow
def test_a_wrong_solution_is_not_trained_with():
    found = sandbox.train(TASK, TASK.skeleton)
    assert not found.passed
    assert found.trained is None
    assert "no weights" in found.hint


def test_a_text_that_is_too_long_starts_no_process():
    assert "longer than" in sandbox.check(TASK, "#" * 100_000).hint
