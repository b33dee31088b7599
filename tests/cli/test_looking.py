"""What ``predict``, ``evaluate``, ``explain`` and ``export`` do on a command line."""

import argparse
import csv
import json

import pytest
import safetensors
from builders import CLASSES, saved_checkpoint, vision_transformer
from PIL import Image, ImageOps

from vit import images, samples
from vit.cli import evaluate, explain, export, predict
from vit.errors import VitError
from vit.explain.methods import METHODS
from vit.plots.colors import SIGNED, STRONGEST, table

CAT = next(sample.path for sample in samples.list_samples() if sample.name == "cat")


@pytest.fixture
def model(tmp_path):
    return saved_checkpoint(tmp_path / "model.safetensors", vision_transformer(pool="cls"))


def run(*words) -> None:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    for command in (predict, evaluate, explain, export):
        command.add_parser(subparsers)
    args = parser.parse_args([str(word) for word in words])
    args.func(args)


def test_json_is_one_value_and_nothing_else(model, capsys):
    run("predict", model, CAT, CAT, "--top", 2, "--json")
    captured = capsys.readouterr()
    entries = json.loads(captured.out)
    assert captured.err == ""
    assert [entry["image"] for entry in entries] == [str(CAT)] * 2
    for entry in entries:
        first, second = entry["predictions"]
        assert first["class"] in CLASSES
        assert 1 > first["probability"] >= second["probability"] > 0


def test_a_bad_image_among_good_ones_carries_its_reason(model, tmp_path, capsys):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(CAT.read_bytes()[:2000])
    missing = tmp_path / "missing.png"
    run("predict", model, broken, CAT, missing, "--json")
    first, second, third = json.loads(capsys.readouterr().out)
    assert "broken.jpg" in first["error"]
    assert len(second["predictions"]) == len(CLASSES)
    assert "can't be read" in third["error"]


def test_the_exit_code_is_2_only_if_every_image_failed(model, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        run("predict", model, tmp_path / "a.png", tmp_path, "--json")
    assert caught.value.code == 2
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_without_json_it_is_readable_and_errors_go_to_stderr(model, tmp_path, capsys):
    run("predict", model, CAT, tmp_path / "missing.png")
    captured = capsys.readouterr()
    assert captured.out.count("%") == len(CLASSES)
    assert "[" not in captured.out
    assert "missing.png" in captured.err


def test_asking_for_no_class_at_all_is_a_mistake(model):
    with pytest.raises(VitError, match="--top is 0"):
        run("predict", model, CAT, "--top", 0)


def test_a_folder_is_its_images_and_the_csv_has_a_line_for_each(model, tmp_path, capsys):
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "cat.jpg").write_bytes(CAT.read_bytes())
    (folder / "broken.jpg").write_bytes(b"words")
    run("predict", model, folder, CAT, "--csv", tmp_path / "said.csv")
    assert capsys.readouterr().out == f"{tmp_path / 'said.csv'}: 3 images, of which 1 can't be read\n"
    with open(tmp_path / "said.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["file"] for line in lines] == [str(folder / "broken.jpg"), str(folder / "deep/cat.jpg"), str(CAT)]
    assert [line["class"] in CLASSES for line in lines] == [False, True, True]


def test_with_the_mirror_image_an_image_and_its_mirror_image_get_the_same_answer(model, tmp_path, capsys):
    with Image.open(CAT) as image:
        image.save(tmp_path / "a.png")
        ImageOps.mirror(image).save(tmp_path / "b.png")
    said = []
    for options in ((), ("--tta",)):
        run("predict", model, tmp_path / "a.png", tmp_path / "b.png", "--json", *options)
        said.append([entry["predictions"] for entry in json.loads(capsys.readouterr().out)])
    (plain, other), (first, second) = said
    assert plain != other
    assert [pair["class"] for pair in first] == [pair["class"] for pair in second]
    assert [pair["probability"] for pair in first] == pytest.approx([pair["probability"] for pair in second], abs=0.02)


def test_with_the_mirror_images_a_folder_and_its_mirror_image_are_judged_alike(model, tmp_path, capsys):
    for name, sample in zip(CLASSES, samples.list_samples(), strict=False):
        for folder, view in (("as-it-is", lambda image: image), ("mirrored", ImageOps.mirror)):
            (tmp_path / folder / name).mkdir(parents=True)
            with Image.open(sample.path) as image:
                view(image.resize((32, 32))).save(tmp_path / folder / name / "a.png")
    losses = []
    for options in ((), ("--tta",)):
        for folder in ("as-it-is", "mirrored"):
            run("evaluate", model, "--data", tmp_path / folder, "--json", *options)
            losses.append(json.loads(capsys.readouterr().out)["loss"])
    alone, other, first, second = losses
    assert abs(alone - other) > 1e-4
    assert first == pytest.approx(second, abs=1e-5)
    run("evaluate", model, "--data", tmp_path / "mirrored", "--tta")
    assert capsys.readouterr().out.endswith("on 3 images of train, each with its mirror image\n")
    with pytest.raises(VitError, match="leave out --tta or --report"):
        run("evaluate", model, "--data", tmp_path / "mirrored", "--tta", "--report", tmp_path / "report")


def test_confidence_of_a_shipped_model_is_calibrated_unless_raw_is_asked_for(capsys):
    from vit.predict import Predictor

    for options in ((), ("--raw",)):
        run("predict", "cifar10-plain", CAT, "--json", *options)
    calibrated, raw = (json.loads(line)[0] for line in capsys.readouterr().out.splitlines())
    assert calibrated["unusual"] is False
    assert calibrated["predictions"][0]["probability"] != raw["predictions"][0]["probability"]
    alone = Predictor.load("cifar10-plain").predict([("cat", images.read(CAT))])[0].top(1)[0][1]
    assert raw["predictions"][0]["probability"] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "caption"),
    [
        ([], "Attention rollout, layers 0 to 1"),
        (["--layer", 0], "Attention rollout, layers 0 to 0"),
        (["--method", "attention"], "Attention, layer 1, mean of all heads"),
        (["--method", "attention", "--layer", 0, "--head", 1], "Attention, layer 0, head 1"),
        (["--method", "relevance", "--target", "dog"], "Relevance (Chefer): dog."),
        (["--method", "occlusion", "--target", "cat", "--against", "ship"], "Occlusion: cat and not ship."),
        (["--method", "edges"], "Edges (control)."),
    ],
)
def test_an_explanation_is_a_image_and_its_words(model, tmp_path, capsys, options, caption):
    out = tmp_path / "out.png"
    run("explain", model, CAT, "--out", out, *options)
    assert Image.open(out).format == "PNG"
    assert Image.open(out).width > 900
    assert caption in capsys.readouterr().out


def test_different_layers_make_different_images(model, tmp_path):
    heatmaps = []
    for layer in (0, 1):
        run("explain", model, CAT, "--method", "attention", "--layer", layer, "--out", tmp_path / "out.png")
        heatmaps.append(Image.open(tmp_path / "out.png").crop((720, 60, 1020, 360)).tobytes())  # without the captions
    assert heatmaps[0] != heatmaps[1]


def test_a_target_is_said_to_change_nothing(model, tmp_path, capsys):
    run("explain", model, CAT, "--target", "cat", "--out", tmp_path / "out.png")
    assert "doesn't depend on the class" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "frog"], "it knows cat, dog, ship"),
        (["--method", "relevance", "--target", "cat", "--against", "frog"], "it knows cat, dog, ship"),
        (["--method", "relevance", "--target", "cat", "--against", "cat"], "two classes"),
        (["--method", "magic"], "use attention, rollout, relevance"),
        (["--method", "occlusion", "--layer", 0], "--method rollout or attention"),
        (["--head", 0], "--method attention"),
        (["--layer", 2], "numbered 0 to 1"),
        (["--method", "attention", "--head", 5], "numbered 0 to 1"),
    ],
)
def test_a_mistake_is_told_with_what_there_is(model, tmp_path, options, words):
    with pytest.raises(VitError, match=words):
        run("explain", model, CAT, "--out", tmp_path / "out.png", *options)
    assert not (tmp_path / "out.png").exists()


def lowest_color(out) -> list[int]:
    """The first color of the sheet's color bar."""
    return list(Image.open(out).convert("RGB").getpixel((712, 390)))


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("attention", "rollout")])
def test_every_method_draws_in_colors_of_one_direction_or_two(model, tmp_path, capsys, method):
    out = tmp_path / "out.png"
    run("explain", model, CAT, "--method", method, "--target", "dog", "--out", out)
    said = capsys.readouterr()
    assert METHODS[method].title in said.out
    assert bool(said.err) != METHODS[method].is_class_specific
    if METHODS[method].is_signed:  # as strong as an overlay is at most, on white
        assert lowest_color(out) == pytest.approx(STRONGEST * table(SIGNED)[0] + (1 - STRONGEST) * 255, abs=1)
    else:
        assert lowest_color(out) == [255, 255, 255]


def test_the_likeliest_class_is_explained_if_none_is_given(model, tmp_path, capsys):
    run("predict", model, CAT, "--json")
    likeliest = json.loads(capsys.readouterr().out)[0]["predictions"][0]["class"]
    run("explain", model, CAT, "--method", "relevance", "--out", tmp_path / "a.png")
    assert f": {likeliest}." in capsys.readouterr().out
    run("explain", model, CAT, "--method", "relevance", "--target", likeliest, "--out", tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("out", ["image.jpg", "nowhere/image.png"])
def test_a_image_that_can_not_be_written_is_refused_before_the_model_is_loaded(tmp_path, out):
    with pytest.raises(VitError, match="--out|folder"):
        run("explain", "no such model", CAT, "--out", tmp_path / out)


def test_an_export_is_written(model, tmp_path, capsys):
    out = tmp_path / "timm.safetensors"
    run("export", model, "--format", "timm", "--out", out)
    with safetensors.safe_open(out, "pt") as file:
        assert "head.weight" in file.keys()  # noqa: SIM118, it is no dictionary
    assert str(out) in capsys.readouterr().out


def test_an_export_into_a_folder_that_is_not_there_is_refused(model, tmp_path):
    with pytest.raises(VitError, match="does not exist"):
        run("export", model, "--format", "timm", "--out", tmp_path / "nowhere" / "timm.safetensors")
