"""What is known about a data set: its classes in numbers, sizes, what was left out, colors, license and citation."""

import pandas as pd
import streamlit as st

from pages.shared.literal import literal
from vit import text
from vit.data import catalog, facts
from vit.data.store import DatasetInfo, Sizes

UNBALANCED = 3.0  # the largest class has this many times the images of the smallest one: worth saying
ROWS_HEIGHT = 400  # pixels of a table, which then scrolls


def draw(info: DatasetInfo) -> None:
    """Classes on the left, everything else on the right."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        _classes(info)
        _left_out(info)
    with right:
        _sizes(info)
        _colors(info)
        _origin(info)


def _classes(info: DatasetInfo) -> None:
    st.subheader("Classes", anchor=False)
    counts = {split: [*catalog.class_counts(info.name, split).values()] for split in info.counts}
    largest = max(max(values) for values in counts.values())
    bar = {"format": "localized", "min_value": 0, "max_value": largest}
    columns = {split: st.column_config.ProgressColumn(f"{split} images", **bar) for split in counts}
    table = pd.DataFrame({"class": info.classes, **counts})
    height = "content" if len(info.classes) < 12 else ROWS_HEIGHT
    st.dataframe(table, hide_index=True, column_config=columns, height=height)
    st.caption(literal(_balance(info.classes, counts["train"])))


def _balance(classes: tuple[str, ...], counts: list[int]) -> str:
    """How even the classes are, in a sentence."""
    most, fewest = max(counts), min(counts)
    if most == fewest:
        return f"Every class has {most:,} training images."
    names = classes[counts.index(most)], classes[counts.index(fewest)]
    said = f"{names[0]} has the most training images, {most:,}; {names[1]} the fewest, {fewest:,}."
    if most < UNBALANCED * fewest:
        return said
    return f"{said} A model that always answers {names[0]} is right in {text.percent(most / sum(counts))} of them."


def _left_out(info: DatasetInfo) -> None:
    """Broken and unusable files by name."""
    if not info.num_broken:
        return
    st.subheader("Left out at the import", anchor=False)
    st.dataframe(pd.DataFrame(info.broken, columns=["file", "reason"]), hide_index=True, height="auto")
    if info.num_broken > len(info.broken):
        st.caption(f"The first {len(info.broken)} of {info.num_broken:,} files.")


def _sizes(info: DatasetInfo) -> None:
    st.subheader("Sizes", anchor=False)
    if info.image_size is None:
        st.markdown("Drawn at the size that the model asks for.")
        return
    st.markdown(f"Stored at **{_size((info.image_size, info.image_size))}** pixels.")
    st.markdown(_originals(info.sizes, info.image_size))


def _originals(sizes: Sizes | None, side: int) -> str:
    """What the images were before the import."""
    if sizes is None:
        return "How large the originals were was not recorded at the import; import them again to see it."
    if sizes.smallest == sizes.largest == (side, side):
        return "The originals had the same size."
    if sizes.num_distinct == 1:
        return f"The originals had {_size(sizes.median)} pixels."
    said = (
        f"The originals had {sizes.num_distinct:,} sizes from {_size(sizes.smallest)} to {_size(sizes.largest)} "
        f"pixels, in the middle {_size(sizes.median)}; the central square was kept."
    )
    few = f" {text.counted(sizes.num_enlarged, 'image')} had to be enlarged." if sizes.num_enlarged else ""
    return said + few


def _size(pair: tuple[int, int]) -> str:
    return f"{pair[0]:,}×{pair[1]:,}"


def _colors(info: DatasetInfo) -> None:
    st.subheader("Colors", anchor=False)
    mean, std = _statistics(info.name, info.fingerprint)
    table = pd.DataFrame({"channel": ["red", "green", "blue"], "mean": mean, "std": std})
    number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(table, hide_index=True, column_config={"mean": number, "std": number}, height="content")
    st.caption(f"Measured over {facts.num_measured(info):,} training images, on the scale 0 to 1.")


@st.cache_data(max_entries=50, show_spinner="Measuring the colors")
def _statistics(name: str, fingerprint: str) -> tuple[list[float], list[float]]:
    return facts.channel_statistics(name)


def _origin(info: DatasetInfo) -> None:
    st.subheader("License and citation", anchor=False)
    found = facts.origin(info)
    if found is None:
        st.markdown(literal(f"{info.description} Nothing is known here about its license."))
        return
    st.markdown(literal(found.license))
    st.code(found.citation, language=None, wrap_lines=True)
    if found.address:
        st.markdown(f"[{found.address.removeprefix('https://')}]({found.address})")
