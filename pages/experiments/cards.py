"""Questions as cards: what is compared, how long it takes, and the answer as far as it is known."""

import streamlit as st

from pages.experiments import drawing
from pages.shared import datasets, mistakes
from pages.shared.literal import literal
from vit import jobs, text
from vit.config import choices, field_names
from vit.sweeps import questions
from vit.sweeps.cards import QUESTIONS
from vit.sweeps.definition import SHARED, value_of
from vit.sweeps.questions import Asked, Question

REFRESH_SECONDS = 1
INTRO = (
    "Two settings, trained with the same seeds: the same split, the same order of the data, the same weights to start "
    "from where their shapes agree. A small model and few steps answer in minutes. A longer training can turn out "
    "differently."
)
ENDED = {"cancelled": "Cancelled; finished seeds are kept.", "interrupted": "Interrupted; finished seeds are kept."}
# What a question of one's own can't be about: the arms share it.
NOT_OWN = (*SHARED, "train.epochs", "train.steps", "train.minutes", "train.eval_every", "train.seed")


def draw() -> None:
    """The choices for all cards, the cards, and what was asked before."""
    st.markdown(INTRO)
    data, seeds, steps = _choices()
    shown = [*QUESTIONS.values(), *_own()]
    earlier = questions.list_asked()
    pace = questions.seconds_per_flop(earlier)
    with st.grid(3, min_column_width=300, gap="medium"):
        for question in shown:
            _card(question, data, seeds, steps, pace)
    _earlier(earlier)


def _choices() -> tuple[str, int, int]:
    columns = st.columns([2, 1, 1], gap="medium")
    names = [info.name for info in datasets.usable()]
    data = columns[0].selectbox("Data", names, key="data", bind="query-params")
    help_seeds = "Each seed trains both settings once. More seeds make the interval narrower."
    seeds = columns[1].number_input(
        "Seeds", 3, questions.MOST_SEEDS, questions.DEFAULT_SEEDS, key="seeds", bind="query-params", help=help_seeds
    )
    steps = columns[2].number_input(
        "Steps per run", 10, questions.MOST_STEPS, questions.DEFAULT_STEPS, 100, key="steps", bind="query-params"
    )
    return data, int(seeds), int(steps)


def _own() -> list[Question]:
    """A question of one's own about one setting, once both of its values are there."""
    with st.expander("Ask your own question", "first" in st.query_params, icon=":material/edit_note:"):
        columns = st.columns([2, 1, 1], gap="medium")
        names = [name for name in field_names() if name not in NOT_OWN]
        about = columns[0].selectbox(
            "Setting", names, index=names.index("train.lr"), key="setting", bind="query-params"
        )
        options = choices(about)
        words = ", ".join(map(str, options)) if options else "such as 0.003"
        first = columns[1].text_input("First value", key="first", bind="query-params", placeholder=words)
        second = columns[2].text_input("Second value", key="second", bind="query-params", placeholder=words)
    if not first or not second:
        return []
    return [questions.own({about: value_of(first)}, {about: value_of(second)})]


def _card(question: Question, data: str, seeds: int, steps: int, pace: float) -> None:
    with st.container(border=True, height="stretch", key=f"card-{question.name}"):
        st.subheader(literal(question.title), anchor=False)
        if question.about:
            st.caption(question.about)
        with mistakes.shown():
            asked = questions.propose(question, data, seeds, steps)
            is_running = jobs.is_running(asked.job)
            st.fragment(_answer, run_every=REFRESH_SECONDS if is_running else None)(asked, is_running, pace)


def _answer(asked: Asked, was_running: bool, pace: float) -> None:
    """What is known, and what can be done; when the work begins or ends, the page is drawn anew."""
    job = jobs.status(asked.job)
    is_running = job is not None and job.state == "running"
    if is_running != was_running:
        st.rerun()
    drawing.answer(asked)
    st.space("stretch")
    if job and is_running:
        done = len(asked.pairs())
        st.progress(job.done / job.total if job.total else 0.0, text=_progress(job, done))
        st.button("Cancel", key=f"cancel-{asked.id}", on_click=jobs.cancel, args=(job.name,))
        return
    if job and job.state == "failed":
        st.error(literal(job.error or "No reason was recorded."))
    elif job and job.state in ENDED and asked.missing():
        st.caption(f":material/info: {ENDED[job.state]}")
    mistakes.told(f"refused-{asked.id}")
    _ask_button(asked, pace)


def _progress(job: jobs.Job, done: int) -> str:
    if not job.total:
        return "Loading the data"
    left = f" · about {text.duration((job.total - job.done) / job.rate)} left" if job.rate else ""
    return f"{done} of {text.counted(job.total, 'seed')}{left}"


def _ask_button(asked: Asked, pace: float) -> None:
    missing = len(asked.missing())
    if not missing:
        return
    seconds = text.duration(questions.expected_seconds(asked, pace))
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Ask" if missing == asked.seeds else f"Add {text.counted(missing, 'seed')}"
        st.button(label, key=f"ask-{asked.id}", icon=":material/play_arrow:", on_click=_ask, args=(asked,))
        st.caption(f"about {seconds}", width="content")


def _ask(asked: Asked) -> None:
    with mistakes.kept(f"refused-{asked.id}"):
        questions.start(questions.ask(asked))


def _earlier(earlier: list[Asked]) -> None:
    """What was asked before, with other data or steps, too."""
    answered = [(asked, verdict) for asked in earlier if (verdict := asked.verdict())]
    if not answered:
        return
    st.subheader("Earlier answers", anchor=False)
    for asked, verdict in answered:
        with st.container(border=True, gap="xsmall", key=f"earlier-{asked.id}"):
            st.markdown(f"**{literal(asked.question.title)}** {literal(verdict.sentence)}")
            steps = text.counted(asked.steps, "step")
            st.caption(f"{literal(asked.data)} · {steps} · {text.clock(asked.asked)}")
