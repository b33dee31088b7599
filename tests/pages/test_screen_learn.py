"""Learn: chapters, their questions, and what follows the chosen model."""

import pytest
from worlds import saved, written_run

from pages.learn import training, whole
from pages.learn.chapters import CHAPTERS
from pages.learn.fine_tuning import conclusion
from vit.learn import progress


def told(app) -> str:
    return "\n".join(str(element.value) for element in [*app.markdown, *app.caption])


def test_all_chapters_are_listed_and_the_next_one_is_offered(visit):
    app = visit("learn")
    assert app.title[0].value == "Learn"
    assert f"Start: {CHAPTERS[0].title}" in [button.label for button in app.button]
    progress.answer(CHAPTERS[0].slug, 0)
    assert "Reset for the next reader" in [button.label for button in visit("learn").button]


def test_without_a_model_a_chapter_leads_to_training_one(visit):
    app = visit("learn", chapter=CHAPTERS[0].slug)
    assert "There is no trained model yet" in told(app)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.slug)
def test_an_answer_is_judged_and_is_there_at_the_next_visit(visit, model, chapter):
    app = visit("learn", chapter=chapter.slug, model=model)
    for radio in app.radio:
        radio.set_value(radio.options[0]).run()
        assert not app.exception
        assert any(text in told(app) for text in ("**Yes.**", "**No: "))
        assert progress.read().answers == {chapter.slug: 0}
        assert visit("learn", chapter=chapter.slug, model=model).radio[0].value == radio.options[0]


def test_an_unknown_chapter_leads_to_the_list(visit):
    app = visit("learn", chapter="![x](http://example.org/x.png)")
    assert app.title[0].value == "Learn"
    assert "There is no chapter" in app.warning[0].value


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"patch_size": 2}, "**64 patches**, each of 2 × 2 pixels with 3 colors, which is **12 numbers**"),
        ({"patch_size": 8}, "**4 patches**, each of 8 × 8 pixels with 3 colors, which is **192 numbers**"),
        ({"stem": "conv"}, "3 small convolutions"),
        ({"stem": "resnet"}, "5 small convolutions"),
        ({"stem": "resnet-deep"}, "6 small convolutions"),
        ({"pool": "cls", "reg_tokens": 2}, "**16 patches**"),
    ],
)
def test_the_text_follows_the_configuration(visit, settings, words):
    saved(written_run("wise-wolf"), 1000, **settings)
    assert words in told(visit("learn", chapter="patches", model="wise-wolf"))


@pytest.mark.parametrize(
    ("chapter", "settings", "words"),
    [
        ("embedding", {"patch_size": 2}, "12 · 16 weights and 16 biases, **208 numbers**"),
        ("embedding", {"patch_size": 8}, "192 · 16 weights and 16 biases, **3,088 numbers**"),
        ("embedding", {"patch_size": 8, "stem": "conv"}, "16 feature maps of 2 × 2 numbers"),
        ("position", {"pool": "cls"}, "are **learned**: 17 · 16 numbers"),
        ("position", {"pos_embed": "sincos2d"}, "So both maps are the same here"),
        ("position", {"pos_embed": "rope"}, "Each place keeps the angles by which it rotates queries and keys"),
        ("position", {"pos_embed": "none"}, "This model has no positions"),
        ("attention", {"pos_embed": "rope", "num_heads": 1}, "already rotated by the places"),
        ("attention", {"pool": "cls", "reg_tokens": 2}, "the sum over all 19 tokens"),
        ("attention", {"num_heads": 1}, "one head in each layer"),
    ],
)
def test_the_words_of_a_chapter_follow_the_configuration(visit, chapter, settings, words):
    saved(written_run("wise-wolf"), 1000, **settings)
    assert words in told(visit("learn", chapter=chapter, model="wise-wolf"))


@pytest.mark.parametrize(
    ("chapter", "settings", "words"),
    [
        ("block", {"depth": 3}, "This model has 3 blocks, and a token is **16 numbers**"),
        ("model", {"pos_embed": "rope"}, "takes the **mean** of all patch tokens"),
        ("fine-tuning", {"pos_embed": "rope"}, "which they can do for any grid"),
        ("model", {"pool": "cls"}, "**class token**: it begins the same for every image"),
        ("model", {"pool": "mean", "reg_tokens": 1}, "takes the **mean** of all patch tokens"),
        ("model", {"mlp_ratio": 8.0}, "the MLP 2 D M, here with D = 16 and M = 128"),
    ],
)
def test_the_chapters_about_the_encoder_follow_the_configuration(visit, settings, chapter, words):
    saved(written_run("wise-wolf"), 1000, **settings)
    app = visit("learn", chapter=chapter, model="wise-wolf")
    app.radio[0].set_value(app.radio[0].options[0]).run()
    assert words in told(app)


def test_what_a_question_asks_is_not_sent_before_it_is_answered():
    early, late = training.figure(answered=False), training.figure(answered=True)
    assert all(step["after"] is None and step["lossAfter"] is None for step in early["steps"])
    assert all(step["lossAfter"] > 0 and len(step["after"]) == len(step["labels"]) for step in late["steps"])


@pytest.mark.parametrize(
    ("counts", "right"),
    [
        ({"attention": 100, "mlp": 95, "embedding": 20}, "Attention and MLPs, about as many each"),
        ({"attention": 100, "mlp": 50, "embedding": 20}, "Attention, clearly"),
        ({"attention": 50, "mlp": 100, "embedding": 99}, "The MLPs, clearly"),
        ({"attention": 50, "mlp": 50, "embedding": 30, "head": 30}, "All the rest together"),
    ],
)
def test_the_question_about_parameters_is_judged_by_their_number(counts, right):
    assert whole.CLEARLY[whole.right(counts)] == right


def test_chapter_9_says_what_the_measurement_says():
    def said(scratch, head, everything):
        return conclusion({"from scratch": scratch, "the head alone": head, "everything": everything})

    assert "encoder does worse" in said(0.8, 0.6, 0.9)
    assert "10.0 points more" in said(0.8, 0.6, 0.9)
    assert "encoder does better" in said(0.5, 0.6, 0.45)
    assert "5.0 points less" in said(0.5, 0.6, 0.45)
