"""Curves are read while they are written, and a resumed run has one curve."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from vit.config import RunConfig
from vit.runs import launch
from vit.runs.metrics import MOST_COLUMNS, MetricsTail, curve, read_metrics


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


def test_a_count_that_no_run_reaches_is_left_out(run):
    append(run, {"step": 1e300, "time": 1.0}, {"step": 2**54})
    assert read_metrics(run) == []


def test_threads_that_share_a_tail_see_every_row_once(run):
    append(run, *({"step": step} for step in range(20_000)))
    tail = MetricsTail(run)
    with ThreadPoolExecutor(8) as pool:
        assert all(len(rows) == 20_000 for rows in pool.map(lambda _: tail.read(), range(8)))


def test_a_tail_of_columns_reads_as_the_rows_that_were_written(run):
    written = [{"step": 1, "lr": 0.5}, {"step": 2, "val_loss": 3.0}, {"step": 2, "lr": 0.25, "images": 128}]
    append(run, *written)
    rows = MetricsTail(run).read()
    assert rows == written
    assert rows[-1] == written[-1]
    assert rows[1:] == written[1:]
    assert isinstance(rows[-1]["images"], int)
    assert rows.to_csv().splitlines() == ["step,lr,val_loss,images", "1,0.5,,", "2,,3.0,", "2,0.25,,128"]


def test_a_long_file_is_read_in_pieces(run, monkeypatch):
    monkeypatch.setattr("vit.runs.metrics.PIECE", 100)
    append(run, *({"step": step} for step in range(50)), end='\n{"step": 5')
    tail = MetricsTail(run)
    assert [row["step"] for row in tail.read()] == list(range(50))
    with open(run.metrics_path, "a") as out:
        out.write("0}\n")
    assert tail.read()[-1] == {"step": 50}


def test_a_curve_of_100_000_rows_is_few_points_and_keeps_its_peak(run):
    append(run, *({"step": step, "time": step / 2, "lr": 9.0 if step == 31_415 else 1.0} for step in range(100_000)))
    tail = MetricsTail(run)
    tail.read()
    curve = tail.curve("lr", "time")
    assert len(curve.x) <= 600
    assert (curve.x[0], curve.x[-1]) == (0, 99_999 / 2)
    assert curve.x[curve.y.argmax()] == 31_415 / 2
    append(run, {"step": 100_000, "time": 50_000.0, "lr": 2.0})
    tail.read()
    assert tail.latest("lr", 2) == [1.0, 2.0]
    assert tail.curve("lr", "time").x[-1] == 50_000


def test_a_curve_over_what_a_row_lacks_leaves_it_out(run):
    append(run, {"step": 1, "lr": 1.0}, {"step": 2, "lr": 2.0, "images": 64})
    tail = MetricsTail(run)
    tail.read()
    assert tail.curve("lr", "images").y.tolist() == [2.0]
    assert tail.curve("lr", "images").means.tolist() == [2.0]
    assert tail.curve("val_loss").y.tolist() == tail.latest("val_loss") == []


def test_what_a_resumed_run_repeats_is_in_the_curve_once(run):
    append(run, *({"step": step, "lr": 1.0} for step in range(2_000)))
    tail = MetricsTail(run)
    tail.read()
    assert tail.curve("lr").x[-1] == 1_999
    append(run, {"resumed_at": 999, "attempt": 2}, {"step": 1_000, "lr": 5.0})
    tail.read()
    assert tail.curve("lr").x[-1] == 1_000
    assert tail.latest("lr", 3) == [1.0, 1.0, 5.0]


def test_a_damaged_file_can_not_fill_the_memory_with_columns(run):
    append(run, *({"step": step, f"metric-{step}": 1.0} for step in range(1_000)))
    rows = read_metrics(run)
    assert len(rows) == 1_000
    assert len({name for row in rows for name in row}) == MOST_COLUMNS
