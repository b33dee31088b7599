"""The process that runs a person's solution: started by ``vit.learn.sandbox``, never imported by the app.

It loads torch, closes what the operating system lets it close, and then refuses, by Python's audit hook, whatever a
solution has no need of. This protects against accidents and pranks. It is no jail for hostile code.
"""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import warnings

import torch
from pydantic import ValidationError

from vit.errors import VitError
from vit.learn.exercises import code, errors, judge, tasks, training
from vit.learn.exercises.tasks import Task
from vit.learn.exercises.training import Lesson
from vit.learn.exercises.verdict import MOST_WORDS, Curve, Verdict

MEMORY = 2 * 2**30  # bytes, beyond what torch itself takes
CPU_SECONDS = 5  # a check takes less than one
TRAINING_SECONDS = 60  # likewise; a training takes five
# The beginning of an audit event's name (docs.python.org/3/library/audit_events.html), and what a person calls it.
REFUSED = {
    "open": "opening a file",
    "os.fork": "starting a process",
    "os.": "a call of the operating system",
    "subprocess.": "starting a process",
    "_posixsubprocess.": "starting a process",
    "pty.": "starting a process",
    "socket.": "opening a network connection",
    "urllib.": "opening a network connection",
    "ctypes.": "a call of the operating system",
    "mmap.": "opening a file",
    "shutil.": "changing files",
    "tempfile.": "opening a file",
    "glob.": "listing a folder",
    "pathlib.": "listing a folder",
    "signal.": "a call of the operating system",
    "resource.": "a call of the operating system",
    "fcntl.": "a call of the operating system",
    "_thread.start_new_thread": "starting a thread",
    "pickle.": "reading pickled objects",
    "marshal.": "reading compiled code",
    "builtins.input": "asking for input",
    "import": "importing a module",
    "sys.addaudithook": "a call of the interpreter",
    "sys.set": "a call of the interpreter",
}
PROCESSES = ("os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.startfile")


class Notebook(io.StringIO):
    """Keeps the beginning of what a solution prints."""

    def write(self, text: str, /) -> int:
        return super().write(text[: max(0, MOST_WORDS - self.tell())])


def main() -> None:
    """Read the task and the text from standard input, and answer one line of JSON on standard output."""
    asked = json.loads(sys.stdin.readline())
    task = tasks.BY_SLUG[asked["task"]]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # to show one, Python would open the source file
    warm_up(task)
    lesson, reference = prepared() if asked["train"] else (None, None)
    channel, printed = sys.stdout, Notebook()
    answer = answering(channel.fileno(), printed)
    limit(TRAINING_SECONDS if lesson else CPU_SECONDS)
    sys.addaudithook(guard(answer))
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        verdict = judged(task, asked["text"])
        if lesson and verdict.passed:
            verdict = trained(verdict, task, asked["text"], lesson)
    answer(verdict.model_copy(update={"reference": reference}))


def warm_up(task: Task) -> None:
    """Have torch import what it only imports when it is first used."""
    shape = judge.ENGINES[task.slug].CASES[0][1]
    judge.judge(tasks.BLOCK, code.Attention)
    x = torch.randn(shape, requires_grad=True)
    torch.einsum("b...,b...->b", x, x).sum().backward()
    torch.nn.MultiheadAttention(4, 2, batch_first=True)(*[torch.randn(1, 2, 4)] * 3)
    repr(x)


def prepared() -> tuple[Lesson, Curve]:
    """The images of a training, and the training with our own module, which needs no limits."""
    lesson = training.lesson()
    return lesson, training.train(training.network(lesson.config), lesson)


def answering(channel: int, printed: io.StringIO) -> Callable[[Verdict], None]:
    """What sends a verdict and ends the process, so that nothing can come after it.

    It holds the functions that it needs, because a solution could put others in their place.
    """
    write, leave = os.write, os._exit

    def answer(verdict: Verdict) -> None:
        words = verdict.model_copy(update={"printed": printed.getvalue()[:MOST_WORDS]}).model_dump_json()
        write(channel, words.encode() + b"\n")
        leave(0)

    return answer


def limit(cpu_seconds: int) -> None:
    """Close what this operating system can close: memory, computing time, files of any kind, processes."""
    if sys.platform == "win32":
        return
    import resource

    kinds = {resource.RLIMIT_CPU: cpu_seconds, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    kinds |= {resource.RLIMIT_NOFILE: 0, resource.RLIMIT_NPROC: 0}
    if sys.platform == "linux":  # elsewhere it isn't honored, and ``sandbox`` watches the memory alone
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        kinds[resource.RLIMIT_AS] = pages * resource.getpagesize() + MEMORY
    used = resource.getrusage(resource.RUSAGE_SELF)
    kinds[resource.RLIMIT_CPU] += int(used.ru_utime + used.ru_stime)
    for kind, most in kinds.items():
        resource.setrlimit(kind, (most, most))


def guard(answer: Callable[[Verdict], None]) -> Callable[[str, tuple], None]:
    """An audit hook that ends the process with a sentence at the first event that is refused."""
    refused, processes = tuple(REFUSED.items()), PROCESSES

    def hook(event: str, arguments: tuple) -> None:
        for start, what in refused:
            if event.startswith(start) if start[-1] == "." or start == "sys.set" else event == start:
                what = "starting a process" if event.startswith(processes) else what
                answer(Verdict(stopped=f"{what[0].upper()}{what[1:]} was stopped: exercises have no need of it."))

    return hook


def judged(task: Task, text: str) -> Verdict:
    """Run a text and check the class in it."""
    try:
        return judge.run(task, text)
    except code.CodeError as error:
        return Verdict(stopped=str(error)) if "was stopped" in str(error) else Verdict(hint=str(error))
    except VitError as error:
        return Verdict(hint=str(error))


def trained(verdict: Verdict, task: Task, text: str, lesson: Lesson) -> Verdict:
    """Train with the class of a text that has passed the check, which its verdict says."""
    try:
        vit = training.network(lesson.config, task, code.load(text, task))
        return verdict.model_copy(update={"trained": training.train(vit, lesson)})
    except ValidationError:
        return Verdict(hint="The loss became infinite or NaN in training, although the check found nothing wrong.")
    except Exception as error:  # a person's code may raise anything
        return Verdict(hint=errors.told(error)[1])


if __name__ == "__main__":
    main()
