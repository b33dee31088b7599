"""The classes of an import, before anything is written: examples of each, renamed, merged or left out in a table."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st
from PIL import Image

from pages.shared import mistakes
from pages.shared.inline import data_url
from pages.shared.literal import literal
from vit import text
from vit.data import previewing
from vit.data.importing import Renames
from vit.data.previewing import FoundClass, Preview

ASKED, TABLE = "import.asked", "import.classes"
KEEP, CLASS, AS, EXAMPLES = "import", "class", "as", "examples"
SHOWN, FILES_SHOWN = 12, 100
Start = Callable[[str, str, int, Renames], None]


def look(name: str, path: str, image_size: int) -> None:
    """Have the preview drawn from now on; looking anew, as the files may have changed."""
    st.session_state[ASKED] = name, path, image_size
    _found.clear()
    st.session_state.pop(TABLE, None)


def close() -> None:
    st.session_state.pop(ASKED, None)


def draw(start: Start) -> None:
    """The preview, if one was asked for; ``start`` begins the import."""
    asked = st.session_state.get(ASKED)
    if asked is None:
        return
    with st.container(border=True, key="import-preview"), mistakes.shown():
        found = _found(asked[1])
        st.markdown(f"**{literal(found.shown)}** :gray[Nothing is written yet.]")
        renames = _edited(found)
        _outcome(found, renames, partial(start, *asked, renames))
        _left_out(found)


@st.cache_data(max_entries=2, show_spinner="Looking through the files")
def _found(path: str) -> Preview:
    return previewing.preview(Path(path).expanduser())


def _edited(found: Preview) -> Renames:
    """The table of classes; what a person changed in it."""
    splits = sorted({split for one in found.classes for split in one.counts}, reverse=True)
    rows = [
        {KEEP: True, CLASS: one.name, AS: one.name, EXAMPLES: _strip(one)} | {s: one.counts.get(s, 0) for s in splits}
        for one in found.classes
    ]
    columns = {
        KEEP: st.column_config.CheckboxColumn("Keep", width="small"),
        CLASS: st.column_config.TextColumn("Folder"),
        AS: st.column_config.TextColumn("Import as", help="Give several classes one name, and they become one class."),
        EXAMPLES: st.column_config.ImageColumn("Examples", width="medium"),
    }
    fixed = [CLASS, EXAMPLES, *splits]
    options = {"hide_index": True, "num_rows": "fixed", "row_height": previewing.SIDE + 8, "height": "auto"}
    table = st.data_editor(pd.DataFrame(rows), column_config=columns, disabled=fixed, key=TABLE, **options)
    chosen = zip(table[CLASS], table[KEEP], table[AS], strict=True)
    return {old: (new or "") if keep else None for old, keep, new in chosen if not keep or new != old}


def _strip(one: FoundClass) -> str | None:
    """The examples side by side."""
    if not one.examples:
        return None
    side, gap = previewing.SIDE, 2
    strip = Image.new("RGB", (len(one.examples) * (side + gap) - gap, side), "white")
    for place, example in enumerate(one.examples):
        strip.paste(example, (place * (side + gap), 0))
    return data_url(strip, "JPEG")


def _outcome(found: Preview, renames: Renames, start: Callable) -> None:
    """What would be imported, and the button that does it; a sentence instead if it can't be."""
    with st.container(horizontal=True, vertical_alignment="center"):
        place = st.container(width="stretch")
        st.button("Close", key="close-preview", type="tertiary", on_click=close)
        import_it = st.container(width="content")
        with place, mistakes.shown():
            result = found.after(renames)
            total = sum(sum(counts.values()) for counts in result.values())
            named = [f"{name} {sum(counts.values()):,}" for name, counts in result.items()]
            more = f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else ""
            st.caption(literal(f"{len(result)} classes, {total:,} images: {', '.join(named[:SHOWN])}{more}."))
            import_it.button("Import these", key="import-these", type="primary", on_click=start)


def _left_out(found: Preview) -> None:
    if not found.left_out:
        return
    with st.expander(f"{text.counted(len(found.left_out), 'file')} would be left out", icon=":material/broken_image:"):
        table = pd.DataFrame(found.left_out[:FILES_SHOWN], columns=["file", "reason"])
        st.dataframe(table, hide_index=True)
        st.caption("Files that are broken inside show when they are imported.")
