"""Predict: one image, several images, bad images, and no model at all."""

import pytest
from image_files import encode, scene
from seen import text_of
from worlds import saved, written_run

from pages.predict import gallery
from pages.shared import answers, input_images
from pages.shared.viewer import viewer
from vit import many
from vit.errors import ImageError
from vit.model import VisionTransformer
from vit.plots import heatmap, scale


def image(width: int = 40) -> bytes:
    return encode(scene(width, 30))


def uploaded(visit, *uploads: tuple[str, bytes], **query):
    app = visit("predict", **{"from": "Upload"}, **query)
    for name, data in uploads:
        app.file_uploader[0].upload(name, data, "image/png")
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("screen", ["predict", "attention"])
def test_without_a_model_there_is_a_sentence_and_a_way_on(visit, screen):
    app = visit(screen)
    assert "no trained model yet" in text_of(app)
    assert "Train a model" in [link.proto.label for link in app.get("page_link")]


def test_a_sample_is_answered_at_once_with_its_label(visit, model):
    app = visit("predict")
    assert len(app.main.progress) == 5
    assert "What the model attends to" in text_of(app)
    assert "labeled" in text_of(app)
    assert app.query_params["image"].startswith("shapes:test:")


def test_a_link_brings_model_and_image_back(visit, model):
    app = visit("predict", model=model, image="shapes:test:5")
    assert "shapes test image 5" in text_of(app)


@pytest.mark.parametrize("screen", ["predict", "attention", "evaluate"])
def test_a_link_may_name_a_checkpoint_as_the_command_line_does(visit, model, screen):
    run = written_run("quick-otter")
    for step in (500, 1000):
        saved(run, step)
    app = visit(screen, model="quick-otter@500")
    assert (app.selectbox(key="model").value, app.selectbox(key="checkpoint").value) == ("quick-otter", "500")
    assert app.query_params["checkpoint"] == "500"
    assert "There is no model" not in text_of(app)


@pytest.mark.parametrize("name", ["wise-wolf@7", "nobody@last", "cifar10-hybrid@900"])
def test_a_link_to_a_checkpoint_that_is_not_there_says_so(visit, model, name):
    told = text_of(visit("predict", model=name)).replace("\\", "")
    assert f"There is no model called '{name}' here" in told


@pytest.mark.parametrize("name", ["shapes:test:99999999", "shapes:test:x", "sample:nobody", "gone:test:1", "?"])
def test_a_link_to_a_image_that_is_not_there_shows_another_one(visit, model, name):
    app = visit("predict", image=name)
    assert len(app.main.progress) == 5


def test_one_upload_is_shown_large_with_what_decoding_had_to_decide(visit, model):
    app = uploaded(visit, ("wide.png", image()))
    assert "wide.png · the model sees the bright square" in text_of(app)
    assert len(app.main.progress) == 5


def test_one_bad_file_is_one_sentence(visit, model):
    app = uploaded(visit, ("notes.png", b"These are not pixels."))
    assert "notes.png is not an image that can be read" in app.error[0].value


def test_a_bad_file_among_good_ones_spoils_no_other(visit, model):
    app = uploaded(visit, ("a.png", image(20)), ("empty.png", b""), ("b.png", image(30)))
    assert "empty.png is empty" in app.error[0].value
    table = app.dataframe[0].value
    assert list(table["file"]) == ["a.png", "empty.png", "b.png"]
    assert [bool(name) for name in table["class"]] == [True, False, True]


def test_many_files_are_shown_in_pages(visit, model):
    app = uploaded(visit, *[(f"{width}.png", image(width)) for width in range(20, 35)])
    assert list(app.dataframe[0].value["images"]) == [15]
    assert len(app.dataframe[1].value) == 15
    assert sum(caption.value.endswith(".png") for caption in app.caption) == gallery.PER_PAGE
    links = [link.proto for link in app.get("page_link") if link.proto.label == "Open in Attention"]
    assert len(links) == gallery.PER_PAGE
    assert len({link.query_string for link in links}) == gallery.PER_PAGE


def test_a_folder_is_predicted_where_it_is_and_counted_by_sub_folder(visit, model, tmp_path, monkeypatch):
    monkeypatch.setattr(many, "MOST", 3)
    for number, name in enumerate(["=1+1.png", "a/x.png", "b <b>/y.png", "c/z.png"]):
        place = tmp_path / "shots" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(image(20 + number))
    app = visit("predict", folder=str(tmp_path / "shots"), **{"from": "Folder"})
    assert "The first 3 of 4 images" in text_of(app)
    counts, table = (frame.value for frame in app.dataframe)
    assert list(counts["folder"]) == [".", "a", "b <b>", "(all)"]
    assert list(counts["images"]) == [1, 1, 1, 3]
    assert list(table["file"]) == ["=1+1.png", "a/x.png", "b <b>/y.png"]
    assert "b \\<b\\>/y.png" in text_of(app)


@pytest.fixture
def other(model) -> str:
    """A second model, with other weights."""
    saved(written_run("calm-fox"), 1000, seed=5)
    return "calm-fox"


def test_another_model_is_asked_about_the_same_image(visit, model, other):
    app = visit("predict", model=model, compare=other, image="shapes:test:5")
    assert len(app.main.progress) == 5 + 3 + 3
    assert "**calm-fox**" in text_of(app)
    labels = [bar.proto.text for bar in app.main.progress]
    assert labels[:3] == labels[5:8]
    assert labels[5:8] != labels[8:]


def test_another_model_has_a_column_for_many_images(visit, model, other):
    app = uploaded(visit, ("a.png", image(20)), ("b.png", image(30)), ("c.png", b""), model=model, compare=other)
    table = app.dataframe[0].value
    alone = uploaded(visit, ("a.png", image(20)), ("b.png", image(30)), ("c.png", b""), model=other).dataframe[0].value
    assert [said.rpartition(" ")[0] for said in table[other]] == list(alone["class"])
    differ = sum(one != two for one, two in zip(table["class"], alone["class"], strict=True))
    assert f"calm-fox says another class for {differ} of 3 images." in text_of(app)


@pytest.mark.parametrize("wanted", ["wise-wolf", "nobody"])
def test_there_is_no_comparison_with_the_same_model_or_one_that_is_not_there(visit, model, other, wanted):
    app = visit("predict", model=model, compare=wanted)
    assert len(app.main.progress) == 5


def test_a_folder_that_is_not_there_is_a_sentence(visit, model, tmp_path):
    app = visit("predict", folder=str(tmp_path / "gone"), **{"from": "Folder"})
    assert "There is no folder" in app.error[0].value


def test_a_click_in_the_middle_of_many_files_loses_none_of_the_work(visit, model, monkeypatch):
    looked = []
    predict = many.predict

    def interrupted(judge, files, mirrored):
        for rows in predict(judge, files, mirrored):
            looked.extend(row.name for row in rows)
            yield rows
            if len(looked) == 2:
                raise ImageError("a click")

    monkeypatch.setattr(many, "BATCH", 2)
    monkeypatch.setattr(many, "predict", interrupted)
    app = uploaded(visit, *[(f"{width}.png", image(width)) for width in range(20, 25)])
    assert len(app.dataframe) == 0
    app.run()
    assert len(app.dataframe[0].value) == 5
    assert looked == [f"{width}.png" for width in range(20, 25)]


def test_a_still_overlay_shows_the_rollout_in_the_viewers_colors(home):
    from vit.explain import attention

    saved(written_run("wise-wolf"), 1000)
    answer = answers.ask("wise-wolf", input_images.find("shapes:test:5"))
    image, words = viewer.still(answer, 64)
    trace = answers.trace_of(answer)
    values = attention.patch_map(attention.rollout(trace.attention), trace)[0].numpy()
    wanted = heatmap.overlay(answer.crop, values, scale=scale.attention(trace.num_tokens), size=64)
    assert image.tobytes() == wanted.tobytes()
    assert words.startswith("Attention is")


def test_predict_leads_to_attention_with_the_same_image_and_back(visit, model):
    app = visit("predict", model=model, image="shapes:test:5")
    assert "Open in Attention" in [link.proto.label for link in app.get("page_link")]
    app = visit("attention", model=model, image="shapes:test:5")
    assert "Open in Predict" in [link.proto.label for link in app.get("page_link")]


def test_one_image_takes_one_pass_through_the_model(visit, model, monkeypatch):
    visit("start", model=model)  # every visit begins there; its answer is kept
    passes, embed = [], VisionTransformer.embed
    monkeypatch.setattr(VisionTransformer, "embed", lambda self, x: (passes.append(len(x)), embed(self, x))[1])
    visit("predict", model=model, image="shapes:test:5")
    assert passes == [1]


def test_an_upload_does_not_wait_for_the_thumbnails_of_the_samples(visit, model, monkeypatch):
    app, asked = visit("predict"), []
    monkeypatch.setattr(input_images, "offered", lambda *given, **named: asked.append(given) or {})
    app.session_state["from"] = "Upload"
    app.file_uploader[0].upload("wide.png", image(), "image/png").run()
    assert "wide.png" in text_of(app)
    assert asked == []
    app.session_state["from"] = "Samples"
    app.run()
    assert len(asked) == 1


def test_one_of_several_uploads_is_opened_by_its_link(visit, model):
    app = uploaded(visit, ("a.png", image(20)), ("b.png", image(30)))
    kept = {entry.name: entry.id for entry in app.session_state[input_images.UPLOAD].values()}
    app.query_params.update({"from": "Samples", "image": kept["b.png"]})
    app.session_state["from"] = "Samples"
    app.run()
    assert not app.exception
    assert not app.warning
    assert "b.png" in text_of(app)
    assert "a.png" not in text_of(app)


def test_the_same_image_under_another_name_is_called_by_that_name(visit, model):
    """What one visitor calls a file is nobody else's business, although the answer is kept for all."""
    for name in ("secret-plans.png", "cat.png"):
        app = uploaded(visit, (name, encode(scene(20, 20))))
    assert "secret-plans" not in text_of(app)
    assert "cat.png" in [caption.value for caption in app.caption]
