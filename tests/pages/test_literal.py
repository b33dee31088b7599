"""What a stranger wrote is shown, not followed."""

import re

import pytest
from markdown_it import MarkdownIt

from pages.shared.literal import literal

JOINER = "\u2060"  # is not to be seen
# What Streamlit's reader makes links of, wherever it stands in the text (mdast-util-gfm-autolink-literal).
LINKS = re.compile(r"(https?://|www(?=\.))([-.\w]+)|[-.\w+]+@[-\w]+(\.[-\w]+)+", re.IGNORECASE)

HOSTILE = [
    "![x](http://evil.test/a.png)",
    "[x](http://evil.test)",
    "![x][y]\n\n[y]: http://evil.test/a.png",
    "<img src=http://evil.test/a.png>",
    "&lt;b&gt; &#33;",
    "`code` ``more``",
    "*bold* **bolder** _it_ __x__ ~~gone~~",
    "# heading",
    "- item",
    "1. item",
    "12) item",
    "---",
    "http://evil.test and www.evil.test and me@evil.test",
    "\\![x](http://evil.test/a.png)",
    "\\\\[x](http://evil.test)",
    "a | b\n--|--\n1 | 2",
    "<http://evil.test>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_markdown_reader_shows_the_text_itself_and_nothing_else(text):
    """markdown-it with GitHub's extensions is another reader of the language that the browser's reader implements."""
    block, *rest = [token for token in MarkdownIt("gfm-like").parse(literal(text)) if token.type != "paragraph_close"]
    inline = rest[0]
    assert block.type == "paragraph_open"
    assert len(rest) == 1
    assert {token.type for token in inline.children} == {"text"}
    shown = "".join(token.content for token in inline.children)
    assert shown.replace(JOINER, "") == " ".join(text.split())
    assert not LINKS.search(shown)


@pytest.mark.parametrize("text", [":material/home:", ":red[x]", ":red-badge[x]", ":smile:", "$x^2$", "$$x$$"])
def test_streamlits_own_markup_is_escaped(text):
    assert literal(text).startswith("\\")
    assert literal(text).count("\\") == text.count(":") + text.count("$") + text.count("[") + text.count("]") - (
        text.endswith(":")
    )


@pytest.mark.parametrize("text", ["wise-wolf@last", "a: b", "3:4", "C:/Users", "a@b"])
def test_what_is_no_address_is_copied_as_it_is(text):
    assert JOINER not in literal(text)


def test_a_sentence_stays_readable():
    text = "batch_size is 3, so 4% are left: use 2 (or 1); it's 1.5 s - ok?"
    assert literal(text) == text


def test_control_characters_and_turned_text_become_spaces():
    assert literal("a\x1b[31mb\u202ec\r\nd\x00") == "a \\[31mb c d"
