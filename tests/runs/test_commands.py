"""Commands travel from a page or a shell to the worker, and none is lost on the way."""

import threading
import time

from vit import files
from vit.runs.directory import Run
from vit.runs.launch import take_command

ROUNDS = 300
WAIT_SECONDS = 10


def test_no_command_is_lost_however_it_falls_between_the_workers_looks(tmp_path):
    run, taken, is_over = Run(tmp_path), [], threading.Event()

    def work() -> None:
        while not is_over.is_set():
            if word := take_command(run):
                taken.append(word)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for count in range(1, ROUNDS + 1):
            files.write_bytes(run.command_path, b"save")
            deadline = time.monotonic() + WAIT_SECONDS
            while len(taken) < count:
                assert time.monotonic() < deadline, f"command {count} was lost"
                time.sleep(0)
    finally:
        is_over.set()
        worker.join()
    assert taken == ["save"] * ROUNDS
    assert list(tmp_path.iterdir()) == []
