"""Several images: the same parts in small, a table, and a file to take away. A bad file spoils no other."""

import pandas as pd
import streamlit as st

from pages.predict import compare, judging
from pages.predict.judging import How
from pages.shared import answers, models, sources
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit import many, text
from vit.errors import ImageError
from vit.many import Row
from vit.models import ModelInfo, resolve

PER_PAGE = 12
SIDE = 220  # pixels
KEPT = "gallery_rows"  # of the images that were asked about last
WHOLE = "(all)"  # of the table of folders


def draw(model: str, names: list[str], images: list[InputImage]) -> None:
    """Cards, then the table of all images, and how many are of which class."""
    info, how, others = _choices(model, names)
    rows = _rows(model, images, how)
    beside = {name: (models.info(name).classes, _rows(name, images, how)) for name in others}
    _told(rows, len(images))
    shown = list(zip(images, rows, strict=True))
    if len(shown) > PER_PAGE:
        page = st.pagination(-(-len(shown) // PER_PAGE), key="gallery_page")
        shown = shown[(page - 1) * PER_PAGE : page * PER_PAGE]
    for start in range(0, len(shown), 4):
        with st.grid(4, min_column_width=150):
            for image, row in shown[start : start + 4]:
                with st.container(border=row.problem is None, gap="xsmall", height="stretch"):
                    _card(model, info, image, row, how)
    _counts(rows, info.classes)
    _table(rows, info.classes, how, beside)


def _choices(model: str, names: list[str]) -> tuple[ModelInfo, How, list[str]]:
    """How confidence is shown, and which other models are asked."""
    measured = judging.of(model).reference is not None
    with st.container(horizontal=True):
        how = judging.controls(measured)
    if not measured:
        judging.unmeasured(model)
    return models.info(model), how, compare.choose(model, names)


def _rows(model: str, images: list[InputImage], how: How) -> list[Row]:
    """What the model says of each image. A click interrupts it; it goes on from there in the next run of the page."""
    rows, total, doing = _kept(model, images, how), len(images), f"Predicting with {literal(model)}"
    if len(rows) < total:
        bar = st.progress(len(rows) / total, text=doing)
        for batch in many.predict(judging.of(model), images[len(rows) :], how.mirrored):
            rows.extend(batch)
            bar.progress(len(rows) / total, text=f"{doing}: {len(rows):,} of {text.counted(total, 'image')}")
        bar.empty()
    return rows


def _kept(model: str, images: list[InputImage], how: How) -> list[Row]:
    """The rows that are there already, to be added to; those for other images are forgotten."""
    judge, path = judging.of(model), resolve(model)
    known = judge.reference and judge.reference.description.model_dump_json()
    asked = (str(path), path.stat().st_mtime_ns, known)
    listed = (how.mirrored, tuple((one.id, one.name) for one in images))
    if st.session_state.get(KEPT, (None, {}))[0] != listed:
        st.session_state[KEPT] = listed, {}
    return st.session_state[KEPT][1].setdefault(asked, [])


def _told(rows: list[Row], total: int) -> None:
    """How many there are, and how many of them deserve a second look."""
    unusual, broken = sum(row.is_unusual is True for row in rows), sum(row.problem is not None for row in rows)
    parts = [text.counted(total, "image")]
    parts += [f":material/warning: {unusual:,} unlike the training images"] if unusual else []
    parts += [f":material/broken_image: {broken:,} can't be read"] if broken else []
    st.caption(" · ".join(parts))


def _card(model: str, info: ModelInfo, image: InputImage, row: Row, how: How) -> None:
    try:
        answer = None if row.problem else answers.ask(model, image)
    except ImageError as error:  # a file that is gone since
        row = Row(row.name, problem=str(error))
        answer = None
    if answer is None:
        st.error(literal(row.problem), icon=":material/broken_image:")
        return
    thumbnail, alt = viewer.still(answer, SIDE)
    st.image(data_url(thumbnail, "JPEG"), width="stretch", alt=alt)
    name, probability = row.top(info.classes, how.raw, 1)[0]
    st.markdown(f"**{literal(name)}** {text.percent(probability)}")
    if row.is_unusual:
        st.markdown(f":material/warning: {judging.UNUSUAL.capitalize()}")
    st.caption(" · ".join(filter(None, [literal(image.name), answer.prediction.note])))
    sources.link("attention", ":material/center_focus_strong:", model, image)


def _counts(rows: list[Row], classes: tuple[str, ...]) -> None:
    """Images of each class, and of each folder where there are several."""
    found = many.counts(rows, classes)
    if len(rows) <= PER_PAGE and len(found) < 2 or not found:  # few can be counted by eye
        return
    st.markdown("**Images per class**")
    table = pd.DataFrame.from_dict(found, orient="index").reindex(columns=classes).dropna(axis="columns", how="all")
    table = table.fillna(0).astype(int).rename(index=lambda folder: folder or ".")
    if len(table) > 1:
        table.loc[WHOLE] = table.sum()
    table.insert(0, "images", table.sum(axis=1))
    st.dataframe(table.rename_axis("folder").reset_index(), hide_index=True, alt="Images per folder and class")


def _table(rows: list[Row], classes: tuple[str, ...], how: How, beside: dict[str, tuple]) -> None:
    """Every image, with what other models say of it: their classes and rows, by name."""
    st.markdown("**All images**")
    table = pd.DataFrame([_line(row, classes, how) for row in rows])
    for name, (others, found) in beside.items():
        said = [row.top(others, how.raw, 1) for row in found]
        table[name] = [f"{one[0][0]} {text.percent(one[0][1])}" if one else "" for one in said]
        differ = sum(bool(one) and one[0][0] != first for one, first in zip(said, table["class"], strict=True))
        st.caption(f"{literal(name)} says another class for {differ:,} of {text.counted(len(rows), 'image')}.")
    st.dataframe(table, hide_index=True, column_config=_COLUMNS)
    st.download_button(
        "Download all probabilities as CSV",
        lambda: many.as_csv(rows, classes, how.raw).encode(),
        "predictions.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _line(row: Row, classes: tuple[str, ...], how: How) -> dict:
    (first, probability), *others = row.top(classes, how.raw) or [("", None)]
    second = f"{others[0][0]} {text.percent(others[0][1])}" if others else ""
    problem = row.problem or (judging.UNUSUAL if row.is_unusual else "")
    return {"file": row.name, "class": first, "probability": probability, "second": second, "problem": problem}


_COLUMNS = {
    "file": st.column_config.TextColumn("File"),
    "class": st.column_config.TextColumn("Says"),
    "probability": st.column_config.ProgressColumn("Probability", format="percent", min_value=0, max_value=1),
    "second": st.column_config.TextColumn("Second"),
    "problem": st.column_config.TextColumn("Problem", width="large"),
}
