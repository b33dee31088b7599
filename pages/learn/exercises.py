"""Exercises: write a part of the model, and have it checked in a limited process."""

import re
import statistics

import streamlit as st

from pages.learn import lesson
from pages.learn.chapters import BY_SLUG as CHAPTERS
from pages.shared import heading, live_chart, mistakes, visitor
from pages.shared.literal import literal
from pages.shared.live_chart import Series
from vit import text
from vit.learn import progress, sandbox
from vit.learn.exercises.tasks import BY_SLUG, TASKS, Task
from vit.learn.exercises.verdict import Curve, Verdict

__all__ = ["BY_SLUG", "draw", "overview"]
OWN_ADDRESSES = ("127.0.0.1", "::1", "localhost")
_SPACES = re.compile(r"\s+")
WINDOW = 10  # steps whose losses make one point
MUCH = 0.25  # of the loss: more than two trainings of ours with other seeds differ
TRAINING = "Two trainings of a tiny model on the built-in shapes, with your module and with ours: about ten seconds."
LINE_HEIGHT, MOST_LINES = 21, 34  # pixels of a line of the editor, and after how many it scrolls
# Streamlit has no editor for code; its text area gets the font of one.
MONOSPACE = """<style>.st-key-editor textarea {font-family: "Source Code Pro", monospace; font-size: 0.875rem;
line-height: 1.5; tab-size: 4; white-space: pre; overflow-x: auto}</style>"""


def is_open() -> bool:
    """Whether the server listens on its own machine only: it runs what people write, and no jail is tight."""
    return st.get_option("server.address") in OWN_ADDRESSES


def overview(page: str) -> None:
    """All exercises, below the chapters."""
    st.header("Exercises", anchor=False)
    st.markdown("Write a part of the model yourself. It is checked by what it computes, so every right way is right.")
    solved = progress.read(visitor.current()).solved
    with st.grid(2, min_column_width=300, gap="small"):
        for task in TASKS:
            with st.container(border=True, gap="xxsmall", height="stretch"):
                st.page_link(page, label=f"**{task.title}**", query_params={"exercise": task.slug})
                st.caption(f"{task.lead}{' · solved' if task.slug in solved else ''}")


def draw(task: Task, page: str) -> None:
    """What to write, the editor, and what the check says."""
    with heading.row(task.title):
        st.page_link(page, label="All chapters", icon=":material/menu_book:", query_params={})
    st.caption(f"Exercise {TASKS.index(task) + 1} of {len(TASKS)} · {task.lead}")
    lesson.prose(task.words)
    if not is_open():
        st.info(
            "Exercises are off here: this server can be reached from other machines, and an exercise runs the code "
            "that is typed in. They are on where the server listens on its own machine only, with `server.address` "
            "127.0.0.1.",
            icon=":material/lock:",
        )
        return
    with mistakes.shown():
        _work(task)
    _links(task, page)


def _work(task: Task) -> None:
    key, shown = f"code-{task.slug}", f"verdict-{task.slug}"
    st.session_state.setdefault(key, progress.read(visitor.current()).code.get(task.slug, task.skeleton))
    with st.container(key="editor"):
        st.html(MONOSPACE)
        lines = min(MOST_LINES, max(st.session_state[key].count("\n"), task.skeleton.count("\n")) + 4)
        st.text_area(
            "Your code",
            key=key,
            height=lines * LINE_HEIGHT,
            max_chars=sandbox.MOST_TEXT,
            on_change=_kept,
            args=(task, key, shown),
        )
    st.caption("Indent with spaces: Tab leaves the field. What you write is kept as soon as you leave it.")
    with st.container(horizontal=True):
        asked = st.button("Check", type="primary", icon=":material/check:")
        st.button("Reset", icon=":material/restart_alt:", type="tertiary", on_click=_reset, args=(task, key, shown))
    if asked:
        with st.spinner("Checking in a process of its own …"):
            st.session_state[shown] = sandbox.check(task, st.session_state[key])
        if st.session_state[shown].passed:
            progress.solve(task.slug, visitor.current())
    if shown in st.session_state:
        _tell(st.session_state[shown])
        if st.session_state[shown].passed:
            _train(task, st.session_state[key], shown)


def _kept(task: Task, key: str, shown: str) -> None:
    st.session_state.pop(shown, None)  # it was about another text
    with mistakes.kept():
        progress.write_code(task.slug, st.session_state[key], visitor.current())


def _reset(task: Task, key: str, shown: str) -> None:
    st.session_state[key] = task.skeleton
    _kept(task, key, shown)


def _tell(verdict: Verdict) -> None:
    """What was right, and then the hint; all of it comes from a process that ran a stranger's code."""
    mistakes.told()
    for check in verdict.checks:
        st.markdown(f":material/check_circle: {words(check)}")
    if verdict.passed:
        st.success("Correct.", icon=":material/celebration:")
    elif verdict.stopped:
        st.error(words(verdict.stopped), icon=":material/block:")
    else:
        st.warning(words(verdict.hint or "It is not right yet."), icon=":material/lightbulb:")
    if verdict.printed:
        with st.expander("What your code printed"):
            st.code(verdict.printed, language=None)


def _train(task: Task, code: str, shown: str) -> None:
    """A short training with what was written, beside the same with ours."""
    if st.button("Train with it", icon=":material/model_training:", help=TRAINING):
        with st.spinner("Training a tiny model twice, in a process of its own …"):
            st.session_state[shown] = sandbox.train(task, code)
        st.rerun()
    verdict = st.session_state[shown]
    if verdict.trained and verdict.reference:
        _compare(task, verdict.trained, verdict.reference)


def _compare(task: Task, own: Curve, ours: Curve) -> None:
    """Both curves, and what they say."""
    said = outcome(own, ours)
    curves = {f"our {task.name}": ("ghost", ours), f"your {task.name}": ("train", own)}
    live_chart.draw(
        [Series(name, look, *smooth(curve.losses)) for name, (look, curve) in curves.items()],
        key="trained",
        x_title="step",
        y_title="train loss, mean of the last 10 steps",
        alt=said,
        height=260,
    )
    st.markdown(said)


def smooth(losses: list[float]) -> tuple[list[int], list[float]]:
    """Steps, and the mean of the last losses at each."""
    steps = range(1, len(losses) + 1)
    return list(steps), [statistics.fmean(losses[max(0, step - WINDOW) : step]) for step in steps]


def outcome(own: Curve, ours: Curve) -> str:
    """What two trainings say, and where to look if one learns much less."""
    last = [smooth(curve.losses)[1][-1] for curve in (own, ours)]
    said = (
        f"After {len(own.losses)} steps the loss is {last[0]:.2f} with your module and {last[1]:.2f} with ours; "
        f"{text.percent(own.accuracy)} and {text.percent(ours.accuracy)} of the validation images are right."
    )
    if last[0] > last[1] + MUCH:
        return (
            f"{said} Yours computes the right thing and learns more slowly. The check fills in weights of its own; a "
            "training begins with yours. Are they large? `torch.randn` is fifty times what our layers begin with."
        )
    return f"{said} Both see the same batches and begin with other random weights, so the curves are alike, not equal."


def words(text: str) -> str:
    """Markdown for a sentence of which only what stands between backticks is more than text: code, which is inert."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return literal(text)
    return "".join(f"`{_SPACES.sub(' ', part)}`" if place % 2 else _plain(part) for place, part in enumerate(parts))


def _plain(text: str) -> str:
    """A piece of a sentence, with the spaces at its ends, which ``literal`` takes away."""
    return f"{' ' * text.startswith(' ')}{literal(text)}{' ' * (len(text) > 1 and text.endswith(' '))}" if text else ""


def _links(task: Task, page: str) -> None:
    """Back to the list, the chapter that explains it, and the next exercise."""
    place = TASKS.index(task) + 1
    with st.container(horizontal=True, horizontal_alignment="distribute", key="turn"):
        st.page_link(page, label="All chapters", icon=":material/menu_book:", query_params={})
        if task.chapter in CHAPTERS:
            label = f"Chapter: {CHAPTERS[task.chapter].title}"
            st.page_link(page, label=label, icon=":material/school:", query_params={"chapter": task.chapter})
        if place < len(TASKS):
            following = TASKS[place]
            query = {"exercise": following.slug}
            st.page_link(page, label=following.title, icon=":material/arrow_forward:", query_params=query)
