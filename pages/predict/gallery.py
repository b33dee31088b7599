"""Several images: the same parts in small, a table, and a file to take away. A bad file spoils no other."""

import pandas as pd
import streamlit as st

from pages.shared import answers, sources
from pages.shared.answers import Answer
from pages.shared.inline import data_url
from pages.shared.input_images import InputImage
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit import text
from vit.errors import ImageError

PER_PAGE = 12
SIDE = 220  # pixels


def draw(model: str, images: list[InputImage]) -> None:
    """Cards, then the table of all images."""
    with st.spinner(f"Predicting {text.counted(len(images), 'image')}"):
        results = [(image, _ask(model, image)) for image in images]
    shown = results
    if len(results) > PER_PAGE:
        page = st.pagination(-(-len(results) // PER_PAGE), key="gallery_page")
        shown = results[(page - 1) * PER_PAGE : page * PER_PAGE]
    for row in range(0, len(shown), 4):
        with st.grid(4, min_column_width=150):
            for image, result in shown[row : row + 4]:
                with st.container(border=isinstance(result, Answer), gap="xsmall", height="stretch"):
                    _card(image, result)
    _table(results)


def _ask(model: str, image: InputImage) -> Answer | ImageError:
    try:
        return answers.ask(model, image)
    except ImageError as error:
        return error


def _card(image: InputImage, result: Answer | ImageError) -> None:
    if isinstance(result, ImageError):
        st.error(literal(result), icon=":material/broken_image:")
        return
    thumbnail, alt = viewer.still(result, SIDE)
    st.image(data_url(thumbnail, "JPEG"), width="stretch", alt=alt)
    name, probability = result.prediction.top(1)[0]
    st.markdown(f"**{literal(name)}** {text.percent(probability)}")
    st.caption(" · ".join(filter(None, [literal(image.name), result.prediction.note])))
    sources.link("attention", ":material/center_focus_strong:", result.model, image)


def _table(results: list[tuple[InputImage, Answer | ImageError]]) -> None:
    st.dataframe(pd.DataFrame([_row(*result) for result in results]), hide_index=True, column_config=_COLUMNS)
    st.download_button(
        "Download all probabilities as CSV",
        lambda: _csv(results),
        "predictions.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _row(image: InputImage, result: Answer | ImageError) -> dict:
    if isinstance(result, ImageError):
        return {"file": image.name, "class": "", "probability": None, "second": "", "problem": str(result)}
    (first, probability), *others = result.prediction.top(2)
    second = f"{others[0][0]} {text.percent(others[0][1])}" if others else ""
    return {"file": image.name, "class": first, "probability": probability, "second": second, "problem": ""}


def _csv(results: list[tuple[InputImage, Answer | ImageError]]) -> bytes:
    """One line per file: its class, and the probability of every class."""
    lines = []
    for image, result in results:
        row = _row(image, result)
        if isinstance(result, Answer):
            row |= dict(zip(result.prediction.classes, result.prediction.probabilities, strict=True))
        lines.append(row)
    return pd.DataFrame(lines).drop(columns="second", errors="ignore").to_csv(index=False).encode()


_COLUMNS = {
    "file": st.column_config.TextColumn("File"),
    "class": st.column_config.TextColumn("Says"),
    "probability": st.column_config.ProgressColumn("Probability", format="percent", min_value=0, max_value=1),
    "second": st.column_config.TextColumn("Second"),
    "problem": st.column_config.TextColumn("Problem", width="large"),
}
