"""Commands travel from a page or a shell to the worker, and none is lost on the way."""

import threading
import time

from vit.runs import commands
from vit.runs.commands import Command
from vit.runs.directory import Run

ROUNDS = 300
WAIT_SECONDS = 10


def test_no_command_is_lost_however_it_falls_between_the_workers_looks(tmp_path):
    run, taken, is_over = Run(tmp_path), [], threading.Event()

    def work() -> None:
        while not is_over.is_set():
            if command := commands.first(run):
                taken.append(command.word)
                commands.remove(run, command)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for count in range(1, ROUNDS + 1):
            commands.leave(run, Command(word="save"))
            deadline = time.monotonic() + WAIT_SECONDS
            while len(taken) < count:
                assert time.monotonic() < deadline, f"command {count} was lost"
                time.sleep(0)
    finally:
        is_over.set()
        worker.join()
    assert taken == ["save"] * ROUNDS
    assert list(run.commands_path.iterdir()) == []


def test_commands_are_followed_in_the_order_in_which_they_were_left_and_a_damaged_one_is_passed_over(tmp_path):
    run = Run(tmp_path)
    for word in ("save", "evaluate", "stop"):
        commands.leave(run, Command(word=word))
    (run.commands_path / "00000000000000000000-first.json").write_text('{"word": "explode"}')
    followed = []
    while command := commands.first(run):
        followed.append(command.word)
        commands.remove(run, command)
    assert followed == ["save", "evaluate", "stop"]
    assert list(run.commands_path.iterdir()) == []


def test_a_new_worker_does_not_follow_what_was_asked_of_the_last_one_but_keeps_what_holds_for_the_run(tmp_path):
    run = Run(tmp_path)
    for command in (Command(word="stop"), Command(word="change", settings={"train.lr": 0.1}), Command(word="pause")):
        commands.leave(run, command)
    commands.clear(run)
    assert [(command.word, command.settings) for command in commands.waiting(run)] == [("change", {"train.lr": 0.1})]
