"""Own images on the form: how many there are, how many validate, and what a trained start changes."""

import pytest
import safetensors.torch
import timm
import torch
from PIL import Image
from seen import text_of
from worlds import saved, written_run

from pages.shared.literal import literal
from pages.train.form import foreign, settings
from vit.data import catalog, importing
from vit.presets import PRESETS

SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 128, "depth": 2, "num_heads": 2, "num_classes": 5}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Runs are created, but nothing trains."""
    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)


@pytest.fixture
def pets(tmp_path):
    """An imported data set with 40 cats and 20 dogs."""
    for name, count in (("cat", 40), ("dog", 20)):
        for index in range(count):
            path = tmp_path / "pets" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (index, 0, 99)).save(path)
    importing.import_as("pets", tmp_path / "pets")


def value(app, field: str):
    return app.get_by_key(settings.key(field)).value


def test_the_form_keeps_more_of_a_small_set_and_says_which_classes_have_few_images(visit, pets):
    counts = catalog.class_counts("pets")
    app = visit("train", data="pets")
    assert value(app, "data.val_size") == int(0.2 * sum(counts.values()))
    assert f"cat {counts['cat']}, dog {counts['dog']}. 12 images of them validate" in text_of(app)
    assert f"Few images: dog {counts['dog']}." in text_of(app)
    app.get_by_key(settings.key("data.source")).set_value("shapes").run()
    assert value(app, "data.val_size") == 0.04
    assert "Few images" not in text_of(app)


def test_what_a_person_has_changed_stays_with_other_data_and_another_start(visit, pets):
    saved(written_run("wise-wolf"), 1000)
    app = visit("train")
    app.get_by_key(settings.key("train.batch_size")).set_value(16)
    app.get_by_key(settings.key("data.val_size")).set_value(0.3).run()
    app.get_by_key(settings.key("data.source")).set_value("pets").run()
    app.get_by_key(settings.key("init.checkpoint")).set_value("wise-wolf").run()
    assert (value(app, "train.batch_size"), value(app, "data.val_size")) == (16, 0.3)
    assert value(app, "model.embed_dim") == 16


def test_a_trained_start_proposes_a_tenth_of_the_learning_rate_and_says_so(visit):
    saved(written_run("wise-wolf"), 1000)
    app, lr = visit("train", preset="5-minutes"), PRESETS["5-minutes"].settings["train.lr"]
    assert value(app, "train.lr") == lr
    app.get_by_key(settings.key("init.checkpoint")).set_value("wise-wolf").run()
    assert value(app, "train.lr") == pytest.approx(lr / 10)
    assert f"Learning rate for fine-tuning: {lr / 10:g}" in text_of(app)
    app.get_by_key(settings.key("init.checkpoint")).set_value("").run()
    assert value(app, "train.lr") == lr


def test_a_learning_rate_that_a_person_typed_stays_until_they_take_the_proposal(visit):
    saved(written_run("wise-wolf"), 1000)
    app = visit("train", preset="5-minutes")
    app.get_by_key(settings.key("train.lr")).set_value(0.002).run()
    app.get_by_key(settings.key("init.checkpoint")).set_value("wise-wolf").run()
    assert value(app, "train.lr") == 0.002
    assert "Yours is 0.002." in text_of(app)
    app.button(key="fine_tuning_rate").click().run()
    assert value(app, "train.lr") == pytest.approx(PRESETS["5-minutes"].settings["train.lr"] / 10)


def test_what_is_frozen_is_in_the_address_and_forgotten_from_scratch(visit):
    saved(written_run("wise-wolf"), 1000)
    link = {"preset": "5-minutes", "init": "wise-wolf", "init.frozen_blocks": "1", "init.layer_decay": "0.75"}
    app = visit("train", **link)
    assert (value(app, "init.frozen_blocks"), value(app, "init.layer_decay")) == (1, 0.75)
    assert app.query_params["init.frozen_blocks"] == "1"
    app.get_by_key(settings.key("init.checkpoint")).set_value("").run()
    assert not [name for name in app.query_params if name.startswith("init")]
    app.get_by_key(settings.key("init.checkpoint")).set_value("wise-wolf").run()
    assert value(app, "init.frozen_blocks") == 0


def test_more_frozen_blocks_than_there_are_is_told_with_the_remedy(visit):
    saved(written_run("wise-wolf"), 1000)
    app = visit("train", init="wise-wolf", **{"init.frozen_blocks": "3"})
    assert "The model has only 2 blocks" in text_of(app)
    app.button(key="remedy.init.frozen_blocks.0").click().run()
    assert not app.button(key="train").disabled


def test_predict_names_the_checkpoint_and_lets_it_be_chosen(visit):
    run = written_run("wise-wolf")
    for step in (500, 1000):
        saved(run, step)
    app = visit("predict", model="wise-wolf")
    assert "Best checkpoint: step 1,000, 70.0% val accuracy" in text_of(app)
    app = visit("predict", model="wise-wolf", checkpoint="500")
    assert "step 500, 40.0% val accuracy" in text_of(app)
    links = [link.proto.query_string for link in app.get("page_link") if link.proto.label == "Open in Attention"]
    assert links
    assert all("model=wise-wolf&" in link and "checkpoint=500" in link for link in links)


def test_weights_of_timm_are_opened_chosen_and_what_did_not_fit_is_told(visit):
    weights = dict(timm.models.VisionTransformer(**SMALL).state_dict())
    content = safetensors.torch.save(weights | {"blocks.0.attn.q_norm.weight": torch.ones(64)})
    app = visit("train")
    app.get_by_key(foreign.UPLOAD).upload("vit-small.safetensors", content).run()
    assert not app.exception
    assert value(app, "model.embed_dim") == 128
    assert literal("Left out: blocks.*.attn.q_norm.weight") in text_of(app)
    assert app.query_params["init"] == value(app, "init.checkpoint")
    assert not app.button(key="train").disabled


def test_a_file_that_holds_no_weights_is_a_sentence(visit):
    app = visit("train")
    app.get_by_key(foreign.UPLOAD).upload("notes.pt", b"not weights").run()
    assert "holds no weights that can be read" in app.error[0].value


def test_the_end_of_a_fine_tuned_run_tells_before_and_after_and_leads_on(visit):
    written_run("wise-wolf", best_val_accuracy=0.9, first_val_accuracy=0.25)
    app = visit("train", run="wise-wolf")
    assert "Fine-tuning took the val accuracy from 25.0% to 90.0%." in app.success[0].value
    assert "Predict your own images" in [button.label for button in app.button]
    written_run("quick-otter")
    app = visit("train", run="quick-otter")
    assert "Fine-tuning" not in app.success[0].value
