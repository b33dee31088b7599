"""Who works on which trial: nobody's is lost, nobody's is taken twice."""

import json

import pytest
from optuna.trial import TrialState

from vit.sweeps import trials
from vit.sweeps.definition import parse
from vit.sweeps.study import claim, frozen, open_study

RATES, POOLS = "train.lr=1e-4..1e-2:log", "model.pool=cls,mean"


def finish(study, claimed, value: float) -> None:
    study.tell(claimed.number, value)
    claimed.lock.release()


def test_two_processes_get_different_trials_and_never_more_than_there_are(made):
    sweep = made(RATES, trials=3)
    mine, theirs = open_study(sweep), open_study(sweep)
    claimed = [claim(sweep, mine), claim(sweep, theirs), claim(sweep, mine)]
    assert [one.number for one in claimed] == [0, 1, 2]
    assert len({one.trial.params["train.lr"] for one in claimed}) == 3
    assert claim(sweep, theirs) is None


def test_a_trial_whose_process_has_died_is_adopted_with_its_settings(made):
    sweep = made(RATES, POOLS)
    first = claim(sweep, open_study(sweep))
    chosen = dict(first.trial.params)
    first.lock.release()  # which the system does for a dead process
    adopted = claim(sweep, open_study(sweep))
    assert (adopted.number, adopted.trial.params) == (0, chosen)
    assert claim(sweep, open_study(sweep)).number == 1


def test_a_trial_that_died_before_its_settings_were_chosen_gets_those_it_would_have_had(made):
    sweep, other = made(RATES), made(RATES, name="other")
    asked = open_study(sweep).ask()  # and nothing else
    assert asked.params == {}
    assert claim(sweep, open_study(sweep)).trial.params == claim(other, open_study(other)).trial.params


def test_a_sweep_that_changes_hands_draws_what_one_process_would_have_drawn(made):
    drawn = []
    for name in ("whole", "broken"):
        sweep = made(RATES, POOLS, name=name, sampler="tpe", trials=8)
        study = open_study(sweep)
        for number in range(8):
            study = study if name == "whole" else open_study(sweep)
            finish(study, claim(sweep, study), number / 10)
        drawn.append([row.params for row in trials.read(sweep)])
    assert drawn[0] == drawn[1]


def test_a_grid_tries_every_combination_once(made):
    sweep = made(POOLS, "train.lr=0.1,0.2,0.3", sampler="grid", trials=6)
    study = open_study(sweep)
    while claimed := claim(sweep, study):
        finish(study, claimed, 0.5)
    tried = [(row.params["model.pool"], row.params["train.lr"]) for row in trials.read(sweep)]
    assert sorted(tried) == [(pool, rate) for pool in ("cls", "mean") for rate in (0.1, 0.2, 0.3)]


def test_whole_numbers_stay_whole(made):
    sweep = made("model.depth=1..3", "train.steps=10..20")
    params = claim(sweep, open_study(sweep)).trial.params
    assert {type(value) for value in params.values()} == {int}


def test_a_torn_line_of_the_journal_is_cut_off_and_nothing_else(made):
    sweep = made(RATES)
    study = open_study(sweep)
    finish(study, claim(sweep, study), 0.5)
    whole = sweep.journal_path.read_bytes()
    sweep.journal_path.write_bytes(whole + b'{"op_code":4,"wor')  # a writer was killed, or the disk was full
    study = open_study(sweep)
    finish(study, claim(sweep, study), 0.7)
    assert sweep.journal_path.read_bytes().startswith(whole)
    assert all(json.loads(line) for line in sweep.journal_path.read_bytes().splitlines())
    assert [row.value for row in trials.read(sweep)] == [0.5, 0.7]


def test_looking_at_a_sweep_writes_nothing(made):
    sweep = made(RATES)
    open_study(sweep)
    before = sweep.journal_path.read_bytes()
    assert trials.read(sweep) == []
    assert sweep.journal_path.read_bytes() == before


@pytest.mark.slow
def test_figures_are_optunas_and_need_two_finished_trials(made):
    sweep = made(RATES, POOLS)
    study = open_study(sweep)
    finish(study, claim(sweep, study), 0.5)
    assert trials.figures(sweep) == {}
    finish(study, claim(sweep, study), 0.7)
    assert set(trials.figures(sweep)) == {"History", "Parallel coordinates", "Importance"}


def test_a_trial_in_another_state_is_not_adopted(made):
    sweep = made(POOLS, trials=1)
    study = open_study(sweep)
    claimed = claim(sweep, study)
    finish(study, claimed, 0.5)
    assert claim(sweep, open_study(sweep)) is None
    assert frozen(study, 0).state == TrialState.COMPLETE
    assert parse(POOLS).values == ("cls", "mean")
