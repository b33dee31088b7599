"""Text that came from a file, an address or an error, shown as it is: no Markdown of a stranger is followed."""

import re

# What starts Markdown, Streamlit's ``:color[text]`` and ``:material/icon:``, formulas, links and HTML. "_" inside a
# word and ": " start nothing; escaping them, too, would only make sentences hard to search.
_ACTIVE = re.compile(
    r"[\\`*\[\]<>$~|@]|:(?=\S)|(?<![^\W_])_|_(?![^\W_])|&(?=[\w#])|(?<=www)\.|^[-+=#]|(?<=^\d)[.)](?!\d)|(?<=^\d\d)[.)](?!\d)"
)
# Streamlit makes links of addresses in plain text, escaped or not; a word joiner, which nobody sees, breaks them up.
_ADDRESS = re.compile(r"(?<=://)|(?<=\bwww)(?=\.)|(?=@[-\w]+\.)", re.IGNORECASE)
_JOINER = "\u2060"
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def literal(text: object) -> str:
    """Markdown in one line that a reader sees as ``text``; control characters become spaces."""
    return _ACTIVE.sub(r"\\\g<0>", _ADDRESS.sub(_JOINER, _UNPRINTABLE.sub(" ", str(text)).strip()))
