"""Attention: what is looked into, what the canvas gets, and what is said where nothing can be shown."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import model_info, prefixed, vision_transformer
from image_files import encode, scene
from safetensors.numpy import save as serialize
from seen import text_of
from worlds import saved, written_run

from pages.shared import answers, checkpoints, input_images
from pages.shared.literal import literal
from pages.shared.viewer import viewer
from vit import checkpoint, pinned
from vit.data.shapes import CLASSES
from vit.explain import attention
from vit.runs.directory import Run

IMAGE = "shapes:test:5"


@pytest.fixture
def trace(model):
    return answers.trace_of(answers.ask(model, input_images.find(IMAGE)))


def unpacked(packed: bytes) -> tuple[dict, np.ndarray]:
    """What the canvas makes of its bytes: the header, and the numbers (L, M, N, N)."""
    size = int.from_bytes(packed[:4], "little")
    head = json.loads(packed[4 : 4 + size])
    shape = (head["layers"], len(head["columns"]), head["tokens"], head["tokens"])
    return head, np.frombuffer(packed, np.float16, offset=4 + size).reshape(shape)


def overwritten(run_id: str, value: float) -> None:
    """Give a run's checkpoint a head of one value, such as NaN; nothing in the project writes such a file."""
    network = vision_transformer(image_size=16, patch_size=4, num_classes=len(CLASSES))
    with torch.no_grad():
        network.head.weight.fill_(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "check_values", lambda tensors: None)
        checkpoint.save(Run.find(run_id).checkpoint_path(), prefixed(network), model_info(network, CLASSES))


def test_a_image_is_answered_with_its_attention(visit, model):
    app = visit("attention")
    assert not app.error
    assert len(app.main.progress) == 3
    assert len(app.get("bidi_component")) == 4  # the images to choose from, the canvas, the lens, and the tab's history


def test_a_link_brings_model_checkpoint_image_and_classes_back(visit, model):
    saved(Run.find(model), 500)
    query = {"model": model, "checkpoint": "500", "image": IMAGE, "class": CLASSES[2], "contrast": CLASSES[3]}
    app = visit("attention", **query)
    assert "shapes test image 5" in text_of(app)
    chosen = {key: app.get_by_key(key).value for key in ("checkpoint", "class", "contrast")}
    assert chosen == {"checkpoint": "500", "class": CLASSES[2], "contrast": CLASSES[3]}


def test_an_upload_is_looked_into(visit, model):
    app = visit("attention", **{"from": "Upload"})
    app.file_uploader(key="uploads").upload("red.png", encode(scene()), "image/png").run()
    assert not app.exception
    assert "red.png" in text_of(app)


def test_a_bad_upload_is_one_sentence(visit, model):
    app = visit("attention", **{"from": "Upload"})
    app.file_uploader(key="uploads").upload("notes.png", b"These are not pixels.", "image/png").run()
    assert not app.exception
    assert "notes.png is not an image that can be read" in app.error[0].value


def test_an_upload_that_is_pinned_is_offered_after_a_reload_with_every_model_and_can_be_let_go(visit, model):
    app = visit("attention", **{"from": "Upload"})
    app.file_uploader(key="uploads").upload("red.png", encode(scene()), "image/png").run()
    app.button(key="pin").click().run()
    assert not app.exception
    (entry,) = pinned.list_pinned()
    assert entry.name == "red.png"
    saved(written_run("calm-crane"), 1000, image_size=8)
    app = visit("attention", model="calm-crane", image=f"pinned:{entry.id}")
    assert not app.error
    assert "red.png" in text_of(app)
    app.button(key="unpin").click().run()
    assert not app.exception
    assert not app.error
    assert pinned.list_pinned() == []
    assert "red.png" not in text_of(app)


def test_as_many_pinned_images_as_are_kept_is_a_sentence_beside_the_page(visit, model, monkeypatch):
    monkeypatch.setattr(pinned, "MOST", 0)
    app = visit("attention", image=IMAGE)
    app.button(key="pin").click().run()
    assert "unpin one first" in app.error[0].value
    assert len(app.main.progress) == 3


@pytest.mark.parametrize("name", ["pinned:../../etc/passwd", f"pinned:{'0' * 16}", "pinned:"])
def test_a_link_to_a_image_that_is_not_pinned_shows_another_one(visit, model, name):
    app = visit("attention", image=name)
    assert not app.error
    assert len(app.main.progress) == 3


@pytest.mark.parametrize(("value", "sentence"), [(float("nan"), "not finite"), (3e38, "grown so large")])
def test_a_model_whose_weights_are_no_use_gets_a_sentence(visit, model, value, sentence):
    overwritten(model, value)
    app = visit("attention")
    assert sentence in app.error[0].value


def test_a_run_deleted_while_it_is_open_gets_a_sentence(visit, model, home):
    app = visit("attention")
    for path in Run.find(model).checkpoints_path.glob("*.safetensors"):
        path.unlink()
    app.run()
    assert not app.exception
    assert "no trained model yet" in text_of(app)


def test_an_uploaded_checkpoint_is_looked_into(visit, model):
    app = visit("attention", image=IMAGE)
    content = Run.find(model).checkpoint_path().read_bytes()
    app.file_uploader(key=checkpoints.UPLOAD_KEY).upload("mine.safetensors", content, "application/octet-stream").run()
    assert not app.exception
    assert not app.error
    assert app.code[0].value == "mine.safetensors"
    assert len(app.main.progress) == 3


ANOTHER_ARCHITECTURE = serialize({"fc.weight": np.zeros(3)})


@pytest.mark.parametrize("content", [b"", b"words", ANOTHER_ARCHITECTURE], ids=["none", "text", "other"])
def test_a_file_that_is_no_checkpoint_of_ours_gets_a_sentence(visit, model, content):
    app = visit("attention", image=IMAGE)
    app.file_uploader(key=checkpoints.UPLOAD_KEY).upload("other.safetensors", content, "application/octet-stream").run()
    assert not app.exception
    assert "other.safetensors" in app.error[0].value


@pytest.mark.parametrize("name", ["../../etc/evil.safetensors", "..", "", "/", "a\0b", "C:\\x", "con", "x" * 300])
def test_an_upload_stays_in_its_folder_whatever_its_name(name):
    kept = checkpoints.kept(name, b"1")
    assert kept.read_bytes() == b"1"
    assert kept.resolve().parent.parent == Path(checkpoints._uploads().name).resolve()
    assert kept.parent.parent.stat().st_mode & 0o077 == 0


def test_the_canvas_gets_the_engines_own_numbers(model, trace):
    head, numbers = unpacked(viewer.packed(answers.ask(model, input_images.find(IMAGE)), False))
    heads = trace.num_heads
    rolled = [attention.rollout(trace.attention, up_to=layer)[0] for layer in range(trace.depth)]
    assert head["columns"] == ["0", "1", "mean", "rollout"]
    assert np.allclose(numbers[:, :heads], trace.attention[:, 0], atol=5e-4)  # half precision of numbers up to 1
    assert np.allclose(numbers[:, heads], trace.attention[:, 0].mean(1), atol=5e-4)
    assert np.allclose(numbers[:, heads + 1], torch.stack(rolled), atol=5e-4)


@pytest.mark.parametrize(("pool", "registers"), [("cls", 0), ("cls", 2), ("mean", 0), ("mean", 3)])
def test_tokens_before_the_patches_are_named(pool, registers):
    from vit.explain.trace import trace as trace_model

    network = vision_transformer(pool=pool, reg_tokens=registers)
    names = viewer.prefix_names(trace_model(network, torch.zeros(1, 3, 8, 8)))
    assert names == ["Class token"] * (pool == "cls") + [f"Register {index}" for index in range(registers)]


def test_the_small_canvas_gets_the_last_rollout_alone(model, trace):
    head, numbers = unpacked(viewer.packed(answers.ask(model, input_images.find(IMAGE)), True))
    assert (head["columns"], head["layers"], head["firstLayer"]) == (["rollout"], 1, trace.depth - 1)
    assert np.allclose(numbers[0, 0], attention.rollout(trace.attention)[0], atol=5e-4)


def test_attention_too_large_for_a_browser_is_a_sentence(visit, model, monkeypatch):
    monkeypatch.setattr(viewer, "MOST_BYTES", 1000)
    app = visit("attention", image=IMAGE)
    assert "choose a model with larger patches" in app.error[0].value


def test_a_link_to_a_model_that_is_gone_says_what_is_shown_instead(visit, model):
    app = visit("attention", model="nope")
    assert "no model called 'nope'" in app.warning[0].value
    assert model in app.warning[0].value


def test_a_link_to_a_sample_that_is_gone_says_so(visit, model):
    app = visit("attention", image="sample:zebra")
    assert r"no image called 'sample\:zebra'" in app.warning[0].value


def test_a_warning_about_a_link_carries_no_markup_and_goes_with_the_next_choice(visit, model):
    saved(written_run("calm-crane"), 1000)
    app = visit("attention", model="a`![x](http://x)`", image=IMAGE)
    assert literal("no model called 'a`![x](http://x)`'") in app.warning[0].value
    app.selectbox(key="model").select("wise-wolf").run()
    app.selectbox(key="model").select("calm-crane").run()
    assert len([w for w in app.warning if "model" in w.value]) <= 1
