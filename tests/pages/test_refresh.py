"""A page looks at a run the less often the longer it trains, and no more once it has ended."""

from pages.shared import refresh
from vit.runs.status import RunState, Status


def interval(state: str, trained: float) -> int | None:
    return refresh.seconds(RunState("quick-otter", state, Status(seconds=trained), is_alive=state == "running"))


def test_an_old_run_is_looked_at_less_often():
    assert 0 < interval("running", 1.0) < interval("running", 3600.0) < interval("running", 36_000.0)


def test_a_run_without_any_training_yet_is_young():
    assert refresh.seconds(RunState("quick-otter", "queued", is_alive=True)) == interval("running", 0.0)


def test_what_has_ended_is_not_looked_at_again():
    assert {interval(state, 10.0) for state in ("stopped", "finished", "failed", "interrupted")} == {None}


def test_many_visitors_look_less_often_and_one_that_has_gone_does_not_count():
    alone = interval("running", 3600.0)
    looks = refresh._last_looks()
    looks.update({f"visitor {number}": refresh.time.monotonic() for number in range(20)})
    assert interval("running", 3600.0) == interval("running", 1.0) == 2 * alone
    for visitor in list(looks):
        looks[visitor] -= 2 * refresh.GONE_SECONDS
    assert interval("running", 3600.0) == alone
