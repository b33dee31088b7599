"""The form: every setting has its place, what is wrong is told where it is wrong, and one click is one run."""

import re
from dataclasses import replace

import pytest
from PIL import Image
from seen import text_of
from worlds import held, saved, written_run

from pages.train.form import settings
from pages.train.form.state import FINE_TUNING
from vit import experience, presets
from vit.config import field_names
from vit.data import catalog, importing
from vit.data.cifar10 import CLASSES
from vit.data.store import DatasetInfo
from vit.rules import read, validate
from vit.runs import speed
from vit.runs import status as runs
from vit.runs.directory import Run


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Runs are created, but nothing trains."""
    monkeypatch.setattr("vit.runs.launch.start", lambda run: None)


def widget(app, field: str):
    return app.get_by_key(settings.key(field))


def labels(app) -> list[str]:
    return [button.label for button in app.button]


def test_every_setting_has_exactly_one_place():
    sections = ("model", "augment", "train", "data", "init")
    advanced = [name for section in sections for name in settings.advanced(section)]
    placed = [*settings.MODEL_FIELDS, *settings.TRAIN_FIELDS, *settings.TOP_FIELDS, *settings.FOLLOWING, *advanced]
    assert sorted(placed) == sorted(field_names())


def test_the_form_shows_what_its_own_augmentation_does_once_that_is_opened(visit):
    app = visit("train", init="", **{"augment.flip": "none", "augment.crop_padding": "7"})
    assert "epochs of this image" not in text_of(app)
    app.session_state["augmentation"] = True
    app.run()
    assert "24 epochs of this image" in text_of(app)
    assert ":gray[Moved by up to 7 pixels.]" in text_of(app)


def test_every_setting_that_is_not_derived_has_a_widget(visit):
    app = visit("train", init="")
    shown = {element.key for kind in WIDGETS for element in app.get(kind)}
    conditional = {*FINE_TUNING, *settings.LENGTH_FIELDS, *settings.FOLLOWING}
    assert {settings.key(name) for name in field_names() if name not in conditional} <= shown
    assert {settings.LENGTH, settings.UNIT} <= shown


WIDGETS = ("number_input", "selectbox", "segmented_control", "toggle", "checkbox", "text_input", "button_group")


def test_a_link_chooses_the_preset(visit):
    app = visit("train", preset="tutorial")
    assert widget(app, "model.pool").value == "cls"
    assert app.session_state[settings.UNIT] == "epochs"


def test_what_cannot_work_is_told_under_its_field_with_the_remedy_as_a_button(visit):
    app = visit("train")
    widget(app, "model.num_heads").set_value(3).run()
    assert "Does not divide embed_dim=64" in text_of(app)
    assert app.button(key="train").disabled
    assert "Fix these first: Heads" in text_of(app)
    app.button(key="remedy.model.num_heads.0").click().run()
    assert widget(app, "model.num_heads").value == 2
    assert not app.button(key="train").disabled


def test_all_problems_are_told_at_once(visit):
    app = visit("train")
    widget(app, "model.num_heads").set_value(3)
    widget(app, "model.patch_size").set_value(5)
    widget(app, "train.warmup").set_value(1e6)
    app.get_by_key(settings.UNIT).set_value("steps").run()
    assert not app.exception
    remedies = [button.key for button in app.button if button.key and button.key.startswith("remedy.")]
    assert {key.rsplit(".", 1)[0].removeprefix("remedy.") for key in remedies} == {
        "model.num_heads",
        "model.patch_size",
        "train.warmup",
    }
    assert len(remedies) == 3


def test_a_value_outside_its_bounds_is_refused_by_the_server_too(visit):
    app = visit("train")
    widget(app, "train.lr").set_value(0.0).run()
    assert "Should be greater than 0" in text_of(app)


def test_the_meaning_follows_the_settings(visit):
    app = visit("train", preset="tutorial")
    assert "**65** :gray[tokens]" in text_of(app)
    widget(app, "model.patch_size").set_value(8).run()
    assert "**17** :gray[tokens]" in text_of(app)
    assert "Changed: Patch size." in text_of(app)


def test_train_launches_what_the_form_says_and_shows_it(visit):
    app = visit("train", preset="tutorial")
    widget(app, "model.depth").set_value(2)
    app.button(key="train").click().run()
    assert not app.exception
    (run,) = runs.list_runs()
    assert app.query_params["run"] == run.id
    assert app.title[0].value == run.id
    config = read(Run.find(run.id).config_path)
    assert (config.model.depth, config.model.num_classes, config.train.epochs) == (2, 10, 5)


def test_a_rerun_that_still_has_the_old_address_does_not_lead_back_to_the_form(visit):
    """As when the second of two fast clicks reaches the server, or the Command popover closes, after the first."""
    app = visit("train", preset="tutorial")
    app.button(key="train").click().run()
    (run,) = runs.list_runs()
    del app.query_params["run"]
    app.run()
    assert app.query_params["run"] == run.id
    assert app.title[0].value == run.id


def test_the_code_of_the_run_can_be_read_before_it_begins(visit):
    app = visit("train", preset="tutorial")
    widget(app, "model.depth").set_value(3).run()
    app.session_state["command"] = True
    app.button(key="code").click().run()
    assert not app.exception
    assert not app.session_state["command"]  # the popover would lie over the dialog
    shown = next(code.value for code in app.code if "class VisionTransformer" in code.value)
    assert "DEPTH, NUM_HEADS, MLP_DIM, NUM_PREFIX = 128, 3," in shown
    assert {"Code (train.py)", "Code (notebook)"} <= {button.proto.label for button in app.get("download_button")}


def test_the_code_of_a_run_in_minutes_asks_for_the_speed(visit):
    app = visit("train", preset="1-minute")
    app.button(key="code").click().run()
    assert "measure the speed" in text_of(app)


def test_the_form_survives_a_visit_to_another_screen(visit):
    app = visit("train")
    widget(app, "model.depth").set_value(7).run()
    app.switch_page("pages/data/page.py").run()
    app.switch_page("pages/train/page.py").run()
    assert widget(app, "model.depth").value == 7


def reloaded(app, visit):
    """The form as a new visitor finds it who opens the same address."""
    return visit("train", **app.query_params)


def test_a_reload_brings_every_setting_back(visit):
    app = visit("train", preset="tutorial")
    widget(app, "model.depth").set_value(7)
    widget(app, "train.compile").set_value(True)
    widget(app, "train.lr").set_value(0.002)
    widget(app, "model.pos_embed").set_value("none")
    app.get_by_key(settings.LENGTH).set_value(3.0).run()
    assert app.query_params == {
        "preset": "tutorial",
        "data": "shapes",
        "epochs": "3",
        "model.depth": "7",
        "train.compile": "true",
        "train.lr": "0.002",
        "model.pos_embed": "none",
    }
    again = reloaded(app, visit)
    assert not again.exception
    assert "Changed: Depth, Position, Learning rate, torch.compile." in text_of(again)
    assert widget(again, "model.depth").value == 7
    assert (again.session_state[settings.UNIT], again.session_state[settings.LENGTH]) == ("epochs", 3)
    assert again.query_params == app.query_params


def test_a_form_as_it_comes_has_an_empty_address(visit):
    assert visit("train").query_params == {}


def test_an_address_written_before_a_click_does_not_undo_it(visit):
    """The second of two fast clicks comes with the address of before the first."""
    app = visit("train", preset="tutorial")
    old = dict(app.query_params)
    widget(app, "model.depth").set_value(7).run()
    widget(app, "model.depth").set_value(8)
    app.query_params.clear()
    app.query_params.update(old)
    app.run()
    assert widget(app, "model.depth").value == 8
    assert app.query_params["model.depth"] == "8"


def test_back_undoes_a_change(visit):
    app = visit("train", preset="tutorial")
    old = dict(app.query_params)
    widget(app, "model.depth").set_value(7).run()
    app.query_params.clear()
    app.query_params.update(old)
    app.run()
    assert widget(app, "model.depth").value == 4


def test_what_an_address_asks_for_in_vain_is_told(visit):
    asked = {"model.depth": "999", "model.deep": "7", "train.lr": "fast", "model.qkv_bias": "true", "minutes": "2"}
    app = visit("train", preset="fastest", data="nowhere", init="nobody", **asked)
    assert not app.exception
    (told,) = app.warning
    assert "preset=fastest (there is 1-minute, " in told.value
    assert "data=nowhere (there is shapes)" in told.value
    assert "init=nobody" in told.value
    assert "model.depth=999 (should be less than or equal to 256)" in told.value
    assert "model.deep=7 (no such setting)" in told.value
    assert "train.lr=fast (should be a valid number" in told.value
    assert "qkv_bias" not in told.value
    assert "minutes=" not in told.value
    assert app.session_state[settings.LENGTH] == 2
    widget(app, "model.depth").set_value(5).run()
    assert not app.warning


def test_what_a_trained_start_gives_can_not_be_asked_for(visit):
    saved(written_run("wise-wolf"), 1000)
    app = visit("train", init="wise-wolf", **{"model.depth": "7"})
    assert "model.depth=7 (given by wise-wolf)" in app.warning[0].value
    assert reloaded(app, visit).query_params == {"preset": "5-minutes", "data": "shapes", "init": "wise-wolf"}


def test_a_start_that_is_damaged_is_not_offered(visit):
    run = written_run("sad-seal")
    saved(run, 1000)
    run.checkpoint_path("best").write_bytes(b"")
    app = visit("train", init="sad-seal")
    assert not app.exception
    assert "init=sad-seal" in app.warning[0].value


def test_an_accuracy_on_cifar10_is_shown_for_cifar10_only(visit, monkeypatch):
    measured = presets.PRESETS["5-minutes"].measured
    assert measured not in text_of(visit("train"))
    monkeypatch.setattr("vit.expectation.is_cifar10", lambda info: True)
    assert measured in text_of(visit("train"))


def test_starting_from_a_model_takes_over_its_encoder_and_locks_it(visit):
    saved(written_run("wise-wolf"), 1000)
    app = visit("train", init="wise-wolf")
    assert not app.exception
    assert widget(app, "init.checkpoint").value == "wise-wolf"
    assert widget(app, "model.embed_dim").value == 16
    assert widget(app, "model.embed_dim").disabled
    assert not widget(app, "model.drop_rate").disabled
    assert widget(app, "init.trainable").value == "all"


def test_a_data_set_that_was_removed_does_not_break_the_form(visit, tmp_path):
    for name in ("cat", "dog"):
        for index in range(4):
            image = tmp_path / "pets" / name / f"{index}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 16), (index, 0, 0)).save(image)
    importing.import_as("pets", tmp_path / "pets")
    app = visit("train", data="pets")
    assert widget(app, "data.source").value == "pets"
    assert "**2** :gray[classes]" in text_of(app)
    app.switch_page("pages/data/page.py").run()
    catalog.remove("pets")
    app.switch_page("pages/train/page.py").run()
    assert not app.exception
    assert widget(app, "data.source").value == "shapes"


def test_a_measured_speed_tells_when_the_run_will_be_done(visit):
    config = validate(presets.build("tutorial", {"data.source": "shapes"}))
    speed.remember(config, speed.Speed(training=540.0, validation=1200.0, saving=0.1, preparation=8.0, measuring=2.0))
    app = visit("train", preset="tutorial")
    assert "**540 images/s** :gray[measured on this machine]" in text_of(app)
    assert "**20 s** :gray[per epoch of 10,800 images]" in text_of(app)
    assert "after 2 min 17 s in all" in text_of(app)  # 100 s of training, 22 of validations, 2 of test, 14 before


def test_a_run_that_has_to_wait_is_told_no_time_of_day(visit, alive):
    held(written_run("wise-wolf", phase="training", step=500), alive)
    known = speed.Speed(training=540.0, validation=1200.0, saving=0.1, preparation=8.0, measuring=2.0)
    speed.remember(validate(presets.build("tutorial", {"data.source": "shapes"})), known)
    told = text_of(visit("train", preset="tutorial"))
    assert "**2 min 17 s** :gray[in all once its turn comes]" in told
    assert "Done ~" not in told


def test_an_unknown_speed_can_be_measured(visit, monkeypatch):
    asked = []
    monkeypatch.setattr("vit.runs.speed.measure", asked.append)
    app = visit("train", preset="tutorial")
    app.button(key="measure").click().run()
    assert [config.model.pool for config in asked] == ["cls"]
    assert "Measuring this machine" in text_of(app)


def test_a_link_to_another_devices_preset_shows_it_chosen(visit):
    app = visit("train", preset="gpu-best")
    assert not app.exception
    chooser = next(group for group in app.button_group if group.label == "Preset")
    assert chooser.value == "gpu-best"
    assert presets.PRESETS["gpu-best"].purpose in text_of(app)


CIFAR10 = DatasetInfo("images", "imported", CLASSES, {"train": 50_000, "test": 10_000}, 32, fingerprint="")


@pytest.fixture
def cifar10(monkeypatch):
    """The built-in data set passes for CIFAR-10."""
    monkeypatch.setattr(catalog, "SHAPES", replace(CIFAR10, name="shapes", kind="generated"))


def test_the_form_says_what_to_expect_and_from_how_much(visit, cifar10):
    app = visit("train", preset="tutorial")
    assert re.search(r"[56]\d–6\d%.{3}:gray\[val accuracy expected \(80% band, from \d+ similar runs\)\]", text_of(app))
    widget(app, "train.optimizer").set_value("sgd")
    widget(app, "train.lr").set_value(9.0).run()
    assert "val accuracy expected" not in text_of(app)


def test_minutes_become_a_configuration_with_its_reasons(visit, cifar10, monkeypatch):
    known = speed.Speed(training=500.0, validation=1500.0, saving=0.1, preparation=8.0, measuring=2.0)
    monkeypatch.setattr(speed, "measure", lambda config: speed.remember(config, known))
    app = visit("train", preset="plain")
    app.number_input(key="form.budget").set_value(4.0)
    app.button(key="recommend").click().run()
    for _ in range(3):
        app.run()
    assert not app.exception
    assert "500 images/s, measured on this machine" in text_of(app)
    assert "Next best:" in text_of(app)
    assert app.session_state[settings.UNIT] == "minutes"
    assert 3 < app.session_state[settings.LENGTH] < 4
    assert app.query_params["minutes"] == f"{app.session_state[settings.LENGTH]:g}"
    widget(app, "model.depth").set_value(7).run()
    assert "Next best:" not in text_of(app)


def test_minutes_on_unknown_data_are_told_to_be_unknown(visit, monkeypatch):
    monkeypatch.setattr(experience, "shipped", list)
    app = visit("train")
    app.button(key="recommend").click().run()
    assert "can't be told from the runs recorded so far" in text_of(app)
