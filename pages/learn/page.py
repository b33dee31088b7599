"""Learn: the tutorial that runs on a person's own model and image."""

import streamlit as st

from pages.learn import exercises, reader, training
from pages.learn.chapters import BY_SLUG, CHAPTERS, Chapter
from pages.shared import heading, mistakes, models, visitor
from vit.learn import progress

HERE = "pages/learn/page.py"
COLUMNS = 2


def overview() -> None:
    """All chapters, and where to go on."""
    heading.row("Learn")
    st.markdown(
        "A Vision Transformer, piece by piece, on **your** model and **your** image: real numbers, real source lines, "
        "and in each chapter something to try. A chapter takes about five minutes."
    )
    known = progress.read(visitor.current())
    answered = known.answers
    following = next((chapter for chapter in CHAPTERS if chapter.slug not in answered), CHAPTERS[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Start" if not answered else "Go on"
        if st.button(f"{label}: {following.title}", type="primary", icon=":material/play_arrow:"):
            st.switch_page(HERE, query_params={"chapter": following.slug})
        if (answered or known.code) and st.button(
            "Reset for the next reader", icon=":material/restart_alt:", type="tertiary"
        ):
            progress.reset(visitor.current())
            st.rerun()
    with st.grid(COLUMNS, min_column_width=300, gap="small"):
        for number, chapter in enumerate(CHAPTERS, 1):
            with st.container(border=True, gap="xxsmall", height="stretch"):
                done = " · answered" if chapter.slug in answered else ""
                st.page_link(HERE, label=f"**{number}. {chapter.title}**", query_params={"chapter": chapter.slug})
                st.caption(f"{chapter.lead}{done}")
    exercises.overview(HERE)


def read(chapter: Chapter) -> None:
    """One chapter, for the chosen model and image."""
    number, known = CHAPTERS.index(chapter) + 1, models.names()
    place = heading.row(chapter.title)
    with place:
        st.page_link(HERE, label="All chapters", icon=":material/menu_book:", query_params={})
    if not known:
        st.markdown("There is no trained model yet. Train one, and the chapters run on it.")
        st.page_link("pages/train/page.py", label="Train a model", icon=":material/model_training:")
        return
    with mistakes.shown():
        with st.spinner("Reading the model"), place:
            chosen = reader.choose(known)
        st.caption(f"Chapter {number} of {len(CHAPTERS)} · {chapter.lead}")
        chapter.draw(chosen)
        turn_page(number, chosen.query)
    training.warm_up()  # last, because it takes the processor for some seconds


def turn_page(number: int, query: dict[str, str]) -> None:
    """Links to the chapters beside the one with a number, counted from 1."""
    with st.container(horizontal=True, horizontal_alignment="distribute", key="turn"):
        before = CHAPTERS[number - 2] if number > 1 else None
        after = CHAPTERS[number] if number < len(CHAPTERS) else None
        _link(before, ":material/arrow_back:", query)
        st.page_link(HERE, label="All chapters", icon=":material/menu_book:", query_params={})
        _link(after, ":material/arrow_forward:", query)


def _link(chapter: Chapter | None, icon: str, query: dict[str, str]) -> None:
    if chapter:
        st.page_link(HERE, label=chapter.title, icon=icon, query_params=query | {"chapter": chapter.slug})


# What is shown is written into the address, because a link from a page to itself does not change it.
wanted, exercise = st.query_params.get("chapter"), st.query_params.get("exercise")
if wanted in BY_SLUG:
    st.query_params["chapter"] = wanted
    read(BY_SLUG[wanted])
elif exercise in exercises.BY_SLUG:
    st.query_params["exercise"] = exercise
    exercises.draw(exercises.BY_SLUG[exercise], HERE)
else:
    mistakes.missing("chapter", wanted, "the list of chapters")
    mistakes.missing("exercise", exercise, "the list of chapters")
    st.query_params.clear()
    overview()
