"""The guided tour over Attention, the switch between few controls and all, and the words that are explained."""

import pytest
from seen import text_of

from pages.attention import ablate, look, tour
from pages.attention.why import SCORE_HELP
from pages.learn.chapters import BY_SLUG
from pages.shared import glossary
from pages.train.form import settings
from vit.config import field_names


def labels(app) -> list[str]:
    return [button.label for button in app.main.button]


def click(app, label: str):
    next(button for button in app.main.button if button.label == label).click().run()
    assert not app.exception


def test_the_tour_leads_through_its_tabs_and_back(visit, model):
    app = visit("attention", model=model)
    click(app, "Guided tour")
    seen = []
    for place, stop in enumerate(tour.STOPS):
        assert f"Tour, {place + 1} of {len(tour.STOPS)}: {stop.tab}" in text_of(app)
        assert stop.do in text_of(app)
        opened = app.query_params.get("tab", "Look")
        seen.append(opened if isinstance(opened, str) else opened[0])
        if place + 1 < len(tour.STOPS):
            click(app, f"Next: {tour.STOPS[place + 1].tab}")
    assert seen == [stop.tab for stop in tour.STOPS]
    click(app, "Back")
    assert f"Tour, 3 of {len(tour.STOPS)}" in text_of(app)
    click(app, "End the tour")
    assert "Tour, " not in text_of(app)
    assert "Guided tour" in labels(app)


@pytest.mark.parametrize("word", ["0", "5", "-1", "1.5", "![x](http://example.org)"])
def test_an_address_of_no_stop_is_no_tour(visit, model, word):
    assert "Tour, " not in text_of(visit("attention", model=model, tour=word))


def test_a_beginner_sees_less_and_everything_is_one_switch_away(visit, model):
    few = visit("attention", model=model, tab="Why", full="false")
    assert "SaCo" not in " ".join(str(caption.value) for caption in few.main.caption)
    few.toggle(key=tour.FULL).set_value(True).run()
    assert "SaCo" in " ".join(str(caption.value) for caption in few.main.caption)


def test_terms_are_explained_where_a_text_uses_them():
    for words, terms in ((look.HELP, ("attention rollout", "head")), (SCORE_HELP, ("insertion", "deletion", "SaCo"))):
        assert all(f"**{term}**" in glossary.explained(words) for term in terms)
    assert "**ablation**" in glossary.explained(ablate.HELP)
    assert "**register**" in glossary.explained("Registers take that over.")
    assert glossary.explained("A cat sits on a mat.") is None


def test_every_setting_links_to_a_chapter_that_there_is():
    data = {"data.source", "data.val_size", "model.num_classes", "init.checkpoint"}
    for field in set(field_names()) - data:
        assert "](learn?chapter=" in settings.explanation(field), field
    built = set(settings.CHAPTERS) & set(BY_SLUG)
    assert {"patches"} <= built
