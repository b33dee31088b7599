"""Lessons show the module's own lines, nothing else."""

from pathlib import Path

from vit.learn.source import source_of
from vit.model import Attention, PatchEmbed
from vit.positions import sincos2d

ROOT = Path(__file__).resolve().parents[2]


def shown(thing) -> list[str]:
    return ["".join(text for _, text in line) for line in source_of(thing).lines]


def test_the_lines_are_those_of_the_file_at_the_number_that_is_told():
    places = ((PatchEmbed, 0, "model"), (Attention.explicit, 4, "model"), (sincos2d, 0, "positions"))
    for thing, indent, module in places:
        found = source_of(thing)
        lines = (ROOT / found.path).read_text().splitlines()[found.first - 1 :][: len(found.lines)]
        assert found.path == f"vit/{module}.py"
        assert shown(thing) == [line[indent:] for line in lines]


def test_comments_strings_keywords_and_numbers_are_told_apart():
    kinds = {(kind, text) for line in source_of(Attention.forward).lines for kind, text in line}
    assert ("keyword", "def") in kinds
    assert ("number", "0.0") in kinds
    assert ("comment", "# (B, h, num_queries, d)") in kinds
    assert any(kind == "string" and "All outputs" in text for kind, text in kinds)


def test_a_text_names_the_lines_that_contain_it():
    found = source_of(PatchEmbed.forward)
    (place,) = found.containing("self.proj(self.stem(images))")
    assert "(B, D, H/P, W/P)" in shown(PatchEmbed.forward)[place]
