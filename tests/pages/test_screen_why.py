"""Why: every method has its card, the best comes first, and each map can be checked."""

import re

from seen import text_of
from worlds import saved, written_run

from pages.attention import why
from vit.data.shapes import CLASSES
from vit.explain.methods import METHODS

IMAGE = "shapes:test:5"


def shown(app) -> list[str]:
    return [element.value for element in app.markdown]


def test_every_method_has_a_card_and_the_best_comes_first(visit, model):
    app = visit("attention", tab="Why", image=IMAGE)
    assert not app.error
    titles = [f"**{method.title}**" for method in METHODS.values()]
    assert set(titles) <= set(shown(app))
    scores = [float(found[1]) for text in shown(app) if (found := re.match(r"Score \*\*([-+].*?)\*\*", text))]
    assert len(scores) == len(METHODS)
    assert scores == sorted(scores, reverse=True)
    blind_spots = [method.blind_spot for method in METHODS.values()]
    assert all(spot in text_of(app) for spot in blind_spots)


def test_a_map_that_is_not_about_the_class_says_so(visit, model):
    app = visit("attention", tab="Why", image=IMAGE)
    lines = [caption.value for caption in app.caption if caption.value.startswith("Other class")]
    assert len(lines) == len(METHODS)
    agnostic = sum(not method.is_class_specific for method in METHODS.values())
    assert sum(line.startswith("Other class +1.00") for line in lines) >= agnostic - 1  # random noise is one of them


def test_the_question_is_about_the_class_that_is_chosen(visit, model):
    app = visit("attention", tab="Why", image=IMAGE, **{"class": CLASSES[2]}, contrast=CLASSES[4])
    assert f"Why {CLASSES[2]} rather than {CLASSES[4]}?" in text_of(app)


def test_a_model_of_a_single_patch_gets_a_sentence(visit):
    saved(written_run("wise-wolf"), 1000, image_size=4)
    app = visit("attention", tab="Why", image=IMAGE)
    assert "single patch" in app.error[0].value
    assert len(app.main.progress) == 3  # the probabilities; no bar stands still


def test_every_score_has_its_rank_and_a_verdict(visit, model):
    app = visit("attention", tab="Why", image=IMAGE)
    lines = [text for text in shown(app) if text.startswith("Score")]
    pattern = r"Score \*\*[-+]\d\.\d\d\*\* :(green|gray|orange)-badge\[[a-z' ]+\] rank \d+ of 720"
    assert len(lines) == len(METHODS)
    assert all(re.fullmatch(pattern, line) for line in lines)


def test_the_strip_marks_the_value_where_it_is():
    drawn = why.strip(0.5, -0.25, 0.25)
    assert "left:calc(75.0% - 8px)" in drawn
    assert "left:37.5%;width:25.0%" in drawn
    assert 'aria-label="Score +0.50; nine in ten orders -0.25 to +0.25"' in drawn


def test_maps_that_should_add_up_say_by_how_much_they_miss(visit, model):
    app = visit("attention", tab="Why", image=IMAGE)
    lines = [caption.value for caption in app.caption if caption.value.startswith("Adds up to")]
    assert len(lines) == sum(method.is_sum for method in METHODS.values()) == 2
    assert why.sum_words(2.5, 2.0) == "Adds up to +2.50 of +2.00 logits; gap 0.5 logits, 25.0% of it."
    assert why.sum_words(0.0, 0.0) == "Adds up to +0.00 of +0.00 logits; gap 0 logits."
