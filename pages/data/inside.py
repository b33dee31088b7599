"""One data set, looked into: its images and what is known about it. All that is chosen is in the address."""

import streamlit as st

from pages.data import about, augmentation, browser, doubles
from pages.shared import heading, launching, mistakes
from vit.data import catalog
from vit.data.store import DatasetInfo

SET = "set"  # the data set's name in the address
PAGE = "pages/data/page.py"
TABS = {"Images": browser.draw, "About": about.draw, "Duplicates": doubles.draw, "Augmentation": augmentation.draw}


def chosen() -> DatasetInfo | None:
    """The data set that the address names; one that isn't there, or is damaged, is told."""
    wanted = st.query_params.get(SET)
    found = next((info for info in catalog.list_datasets() if info.name == wanted and not info.problem), None)
    mistakes.missing("data set", wanted if found is None else None, found.name if found else "all data sets")
    return found


def draw(info: DatasetInfo) -> None:
    """Title, ways on, and the tabs, of which only the open one is drawn."""
    with heading.row(info.name):
        st.page_link(PAGE, label="All data sets", icon=":material/arrow_back:")
        icon, query = ":material/model_training:", {"data": info.name}
        st.page_link(launching.TRAIN_PAGE, label="Train on it", icon=icon, query_params=query)
    tabs = st.tabs(list(TABS), key="tab", on_change="rerun", bind="query-params")
    opened = next(name for name, tab in zip(TABS, tabs, strict=True) if tab.open)
    with tabs[list(TABS).index(opened)], mistakes.shown():
        TABS[opened](info)
