"""Experiments: what can be asked, what is known, and how a sweep is going."""

import time

import pytest
from optuna.trial import TrialState
from seen import text_of
from worlds import config

from pages.experiments import sweep_form
from vit import files, jobs, paths
from vit.__main__ import build_parser
from vit.jobs import Job
from vit.sweeps import directory, questions
from vit.sweeps.cards import QUESTIONS
from vit.sweeps.definition import Definition, parse
from vit.sweeps.questions import Pair
from vit.sweeps.study import claim, open_study


@pytest.fixture
def started(monkeypatch):
    """Collects the jobs that would be started."""
    calls = []
    monkeypatch.setattr("vit.jobs.start", lambda *words: calls.append(words))
    return calls


def answered(name: str, difference: float, steps: int = questions.DEFAULT_STEPS) -> questions.Asked:
    """A question with five seeds whose arms differ by about so much."""
    asked = questions.ask(questions.propose(QUESTIONS[name], "shapes", 5, steps))
    for seed in range(5):
        pair = Pair(seed=seed, first=0.5 + difference + seed / 500, second=0.5 + seed / 1000, seconds=4)
        files.append_line(questions.lines_path(asked.id), pair.model_dump())
    return asked


def half_done() -> directory.Sweep:
    """A sweep of four trials, of which two have finished and one has failed."""
    varied = (parse("train.lr=1e-4..1e-2:log"), parse("model.pool=cls,mean"))
    sweep = directory.create(Definition(name="rates", config=config().to_json(), varied=varied, trials=4))
    study = open_study(sweep)
    for value in (0.5, 0.7, None):
        claimed = claim(sweep, study)
        if value is None:
            claimed.trial.set_user_attr("reason", "out of memory")
        study.tell(claimed.number, value, state=None if value else TrialState.FAIL)
        claimed.lock.release()
    return sweep


def test_every_question_is_a_card_that_says_how_long_it_takes(visit):
    app = visit("experiments")
    titles = [heading.value for heading in app.subheader]
    assert titles == [question.title for question in QUESTIONS.values()]
    assert [button.label for button in app.button if button.key.startswith("ask-")] == ["Ask"] * len(QUESTIONS)
    assert text_of(app).count("about ") >= len(QUESTIONS)


def test_a_click_asks_with_the_seeds_and_steps_of_the_address(visit, started):
    app = visit("experiments", seeds="7", steps="50")
    asked = questions.propose(QUESTIONS["depth"], "shapes", 7, 50)
    app.button(key=f"ask-{asked.id}").click().run()
    assert started == [("question", asked.job, questions.MODULE, asked.id)]
    assert questions.read(asked.id).seeds == 7


def test_an_answer_says_its_verdict_and_offers_more_seeds(visit):
    asked = answered("positions", 0.1)
    app = visit("experiments", seeds="8")
    assert "Learned positions is better than No positions by 10.2 points" in text_of(app)
    assert app.button(key=f"ask-{asked.id}").label == "Add 3 seeds"


def test_an_answer_for_other_steps_is_among_the_earlier_ones(visit):
    answered("luck", 0.0, steps=40)
    app = visit("experiments")
    assert "Earlier answers" in [heading.value for heading in app.subheader]
    assert "No difference that matters" in text_of(app)
    assert "40 steps" in text_of(app)


def test_a_question_under_way_shows_how_far_it_is_and_can_be_cancelled(visit, monkeypatch):
    asked = questions.ask(questions.propose(QUESTIONS["pool"], "shapes"))
    files.append_line(questions.lines_path(asked.id), Pair(seed=0, first=0.5, second=0.4).model_dump())
    jobs.folder().mkdir(parents=True)
    jobs.write(Job(asked.job, "question", "running", 1, 5, "seeds", 0.1, "seed 1", None, time.time()))
    app = visit("experiments")
    assert app.main.progress[0].text == "1 of 5 seeds · about 40 s left"
    assert app.button(key=f"cancel-{asked.id}").label == "Cancel"


def test_a_question_of_ones_own_is_told_what_is_wrong_with_it(visit):
    app = visit("experiments", setting="model.num_heads", first="4", second="5")
    assert "does not divide" in app.error[0].value
    app = visit("experiments", setting="model.num_heads", first="4", second="2")
    assert not app.error
    assert "num_heads 4 or num_heads 2?" in [heading.value for heading in app.subheader]


def test_the_form_starts_a_sweep_and_opens_it(visit, started):
    app = visit("experiments", tab="Sweeps", name="mine", trials="3", vary="train.lr")
    app.button(key="start").click().run()
    assert not app.exception
    assert started == [("sweep", "sweep@mine", directory.MODULE, "mine")]
    definition = directory.Sweep.find("mine").definition()
    assert (definition.trials, [one.name for one in definition.varied]) == (3, ["train.lr"])
    assert app.query_params["sweep"] == "mine"


def test_what_cannot_be_varied_like_that_is_told_and_holds_the_start(visit):
    app = visit("experiments", tab="Sweeps", vary="train.lr", **{"range.train.lr": "1..0.1"})
    assert "must rise" in text_of(app)
    assert app.button(key="start").disabled


def test_the_command_of_a_sweep_is_understood(home):
    varied = (parse("train.lr=1e-4..1e-2:log"), parse("model.pool=cls,mean"))
    definition = Definition(name="rates", config=config().to_json(), varied=varied, pruning=False, seed=3)
    args = build_parser().parse_args(sweep_form.line(definition).split()[3:])
    assert (args.name, args.trials, args.sampler_seed, args.no_pruning) == ("rates", 12, 3, True)
    assert tuple(map(parse, args.vary)) == varied


def test_a_sweep_shows_its_trials_and_can_be_continued(visit, started):
    sweep = half_done()
    app = visit("experiments", tab="Sweeps", sweep="rates")
    assert app.main.progress[0].text == "3 of 4 trials · best val accuracy 70.0% (rates-1)"
    table = app.dataframe[0].value
    assert list(table["state"]) == ["complete", "complete", "failed"]
    assert table["why"][2] == "out of memory"
    next(button for button in app.button if button.label == "Continue").click().run()
    assert started == [("sweep", sweep.job, directory.MODULE, "rates")]


def test_a_link_to_a_sweep_that_is_gone_says_so(visit):
    app = visit("experiments", tab="Sweeps", sweep="gone")
    assert "there is no sweep called" in app.error[0].value


def test_a_damaged_sweep_does_not_hide_the_others(visit):
    half_done()
    broken = paths.sweeps_root() / "broken"
    broken.mkdir()
    (broken / "sweep.json").write_text("{")
    app = visit("experiments", tab="Sweeps")
    assert "sweep.json of sweep broken is damaged" in app.error[0].value
    assert app.button(key="open-rates")
