"""``python -m vit doctor`` says what the page says."""

import json

import pytest
from worlds import saved, written_run

from vit import files
from vit.__main__ import main


@pytest.fixture
def ill(home):
    """A run whose head doesn't move."""
    run = written_run("quick-otter", phase="stopped", step=400)
    for step in (300, 400):
        row = {"v": 1, "step": step, "head_update_ratio": 0.0, "update_ratio": 0.01, "lr": 1e-3}
        files.append_line(run.metrics_path, row)
    return run


def test_it_says_what_it_sees_what_that_means_and_what_to_do(ill, capsys):
    assert main(["doctor", "quick-otter"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "problem: The last layer is not trained"
    assert "no update changed the weights of the head" in lines[1]
    assert lines[2].startswith("  Start a new run whose head is trained")


def test_as_json_it_is_a_list_of_findings(ill, capsys):
    assert main(["doctor", "quick-otter", "--json"]) == 0
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["name"] == "head-untrained"
    assert finding["severity"] == "problem"
    assert finding["evidence"]["metrics"] == ["update_ratio", "head_update_ratio"]
    assert finding["remedy"]["step"] is None


def test_of_a_healthy_run_it_says_that_nothing_is_wrong(home, capsys):
    written_run("quick-otter")
    assert main(["doctor", "quick-otter"]) == 0
    assert capsys.readouterr().out == "Nothing is wrong as far as can be seen.\n"
    assert main(["doctor", "quick-otter", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_run_that_is_not_there_is_one_line(home, capsys):
    assert main(["doctor", "no-such-run"]) == 2
    assert capsys.readouterr().err == "python -m vit doctor: there is no run called 'no-such-run'\n"


def test_a_remedy_for_weights_worth_keeping_is_a_fork_from_a_checkpoint(home, capsys):
    run = written_run("quick-otter", phase="stopped", step=500)
    for step in range(100, 600, 100):
        row = {"v": 1, "step": step, "clean_train_accuracy": 0.9, "val_loss": 1.0 + step / 500, "val_accuracy": 0.6}
        files.append_line(run.metrics_path, row)
    lines = told(capsys)
    assert "(a new run with augment.random_erasing=0.25, augment.cutmix_alpha=1.0)" in lines[2]  # nothing was saved
    saved(run, 100)
    assert "(a fork from step 100 with augment.random_erasing=0.25, augment.cutmix_alpha=1.0)" in told(capsys)[2]


def told(capsys) -> list[str]:
    assert main(["doctor", "quick-otter"]) == 0
    return capsys.readouterr().out.splitlines()
