"""Curves are read while they are written, and a resumed run has one curve."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from vit.config import RunConfig
from vit.runs import launch
from vit.runs.metrics import MetricsTail, curve, read_metrics


@pytest.fixture
def run(home):
    return launch.create(RunConfig(), "one")


def append(run, *rows, end="\n"):
    with open(run.metrics_path, "a") as out:
        out.write("\n".join(json.dumps(row) for row in rows) + end)


def test_a_tail_reads_only_what_is_new_and_never_half_a_line(run):
    tail = MetricsTail(run)
    assert tail.read() == []
    append(run, {"step": 1}, {"step": 2}, end='\n{"st')
    assert [row["step"] for row in tail.read()] == [1, 2]
    with open(run.metrics_path, "a") as out:
        out.write('ep": 3}\n')
    assert [row["step"] for row in tail.read()] == [1, 2, 3]


def test_the_steps_after_the_checkpoint_of_a_killed_attempt_are_replaced(run):
    append(run, {"step": 1}, {"step": 2}, {"step": 3, "attempt": 1})
    append(run, {"resumed_at": 2, "attempt": 2}, {"step": 3, "attempt": 2}, {"step": 4})
    rows = read_metrics(run)
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert rows[2]["attempt"] == 2


def test_a_curve_has_only_the_rows_that_carry_the_metric():
    rows = [{"step": 1, "val_loss": 2.0}, {"step": 2}, {"step": 3, "val_loss": None}, {"step": 4, "val_loss": 1.0}]
    assert curve(rows, "val_loss") == ([1, 4], [2.0, 1.0])


def test_rows_that_go_back_replace_what_is_after_them_even_if_the_line_about_the_resume_is_lost(run):
    append(run, {"step": 1}, {"step": 2}, {"step": 3, "lr": 1.0}, {"step": 2, "lr": 2.0}, {"step": 3, "lr": 3.0})
    assert curve(read_metrics(run), "lr") == ([2, 3], [2.0, 3.0])


def test_a_run_that_is_deleted_and_made_anew_is_read_anew(run):
    tail = MetricsTail(run)
    append(run, {"step": 1}, {"step": 2})
    assert len(tail.read()) == 2
    run.metrics_path.unlink()
    append(run, {"step": 7})
    assert [row["step"] for row in tail.read()] == [7]


def test_what_is_no_number_is_left_out(run):
    append(run, {"step": 1, "lr": "x", "loss": None, "time": 2.0}, {"step": "2"}, {"step": True}, {"lr": 1.0})
    run.metrics_path.open("a").write('{"step": 3, "lr": NaN, "loss": 1e999, "time": 3}\n')
    assert read_metrics(run) == [{"step": 1, "time": 2.0}, {"step": 3, "time": 3}]


def test_threads_that_share_a_tail_see_every_row_once(run):
    append(run, *({"step": step} for step in range(20_000)))
    tail = MetricsTail(run)
    with ThreadPoolExecutor(8) as pool:
        assert all(len(rows) == 20_000 for rows in pool.map(lambda _: tail.read(), range(8)))
