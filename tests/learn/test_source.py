"""Lessons show the module's own lines, nothing else."""

from pathlib import Path

from vit.learn.source import source_of
from vit.model import Attention, PatchEmbed, sincos2d

MODEL = Path(__file__).resolve().parents[2] / "vit" / "model.py"


def shown(thing) -> list[str]:
    return ["".join(text for _, text in line) for line in source_of(thing).lines]


def test_the_lines_are_those_of_the_file_at_the_number_that_is_told():
    for thing, indent in ((PatchEmbed, 0), (Attention.explicit, 4), (sincos2d, 0)):
        found = source_of(thing)
        lines = MODEL.read_text().splitlines()[found.first - 1 :][: len(found.lines)]
        assert found.path == "vit/model.py"
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
