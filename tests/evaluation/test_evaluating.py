"""A whole evaluation of a tiny model, in this process and in the background."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders import saved_checkpoint, vision_transformer
from PIL import Image
from worlds import saved, written_run

from vit import checkpoint, jobs, models
from vit.__main__ import main
from vit.data import store
from vit.data.load import load
from vit.data.store import DatasetInfo
from vit.errors import DataError, EvaluationError
from vit.evaluation import directory, job, predictions, reference, report, robustness, starting
from vit.evaluation.directory import find
from vit.evaluation.forward import Forward
from vit.evaluation.parts import ImageMap, Robustness, Suspects, Unusual
from vit.predict import Predictor
from vit.training.loop import evaluate


def quiet(*_) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def few(monkeypatch):
    """Fewer images of everything."""
    monkeypatch.setattr(job, "OTHER_IMAGES", 6)
    monkeypatch.setattr(robustness, "IMAGES", 5)


def test_predictions_are_those_of_the_model_image_by_image(model, colors):
    work = job.Work.begin(find(model, colors, "test"), quiet)
    found = work.predictions()
    network, info = checkpoint.load_with_info(model)
    test = load("colors", 8).test
    judged = evaluate(network, test.images, test.labels, torch.tensor(info.mean), torch.tensor(info.std), "fp32")
    assert (found.predicted == found.labels).mean() == pytest.approx(judged.accuracy)
    assert found.places.tolist() == list(range(30))
    normalized = (test.images / 255 - torch.tensor(info.mean)[:, None, None]) / torch.tensor(info.std)[:, None, None]
    with torch.inference_mode():
        torch.testing.assert_close(torch.from_numpy(found.logits), network(normalized), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(network.head(torch.from_numpy(found.features)), torch.from_numpy(found.logits))


def test_places_of_val_lead_to_the_images_that_were_predicted(model, colors):
    evaluation = find(model, colors, "val")
    found = job.Work.begin(evaluation, quiet).predictions()
    assert len(found) == 30
    material = report.collect(evaluation)
    image = np.asarray(report.image(material, 3)).transpose(2, 0, 1)
    logits, _ = Forward.load(model)(torch.from_numpy(image.copy())[None])
    assert logits[0] == pytest.approx(found.logits[3], abs=1e-4)


def test_a_report_is_written_and_everything_is_there_at_the_next_visit(
    model, colors, few, monkeypatch, tmp_path, capsys
):
    other = str(saved_checkpoint(tmp_path / "other.safetensors", vision_transformer(seed=1)))
    assert main(["evaluate", model, "--data", "colors", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    words = ["--report", str(tmp_path / "report"), "--against", other, "--json"]
    assert main(["evaluate", model, "--data", "colors", *words]) == 0
    assert json.loads(capsys.readouterr().out) == pytest.approx(plain)
    figures = json.loads((tmp_path / "report" / report.JSON).read_text())
    assert figures["accuracy"]["value"] == pytest.approx(plain["accuracy"])
    assert figures["comparison"]["against"] == other
    again = find(model, colors, "test")
    assert again.is_complete
    assert again.missing() == []
    unusual, suspects = again.read("unusual", Unusual), again.read("suspects", Suspects)
    assert len(unusual.scores) == 30
    assert [other.name for other in unusual.others] == ["noise", "text", "textures", "shapes"]
    assert max(suspects.rows) < 30
    measured = again.read("robustness", Robustness)
    assert (measured.images, len(measured.corrupted)) == (5, 25)
    monkeypatch.setattr(Forward, "__call__", None)  # nothing is computed a second time
    job.make(again, quiet)


def test_the_map_is_made_for_those_who_ask(model, colors, few):
    evaluation = find(model, colors, "test")
    job.Work.begin(evaluation, quiet).predictions()
    job.make(evaluation, quiet, ("map",))
    assert len(evaluation.read("map", ImageMap).rows) == 30
    assert evaluation.missing() == list(directory.PARTS)


@pytest.mark.parametrize("extras", [(), ("map",)])
def test_the_background_process_understands_how_it_is_started(model, colors, monkeypatch, extras):
    evaluation, started, done = find(model, colors, "test"), [], []
    monkeypatch.setattr("vit.processes.spawn", lambda module, *words, log: started.append(words))
    monkeypatch.setattr(jobs, "run", lambda name, work: done.append(name))
    starting.go_on(evaluation, *extras)
    monkeypatch.setattr("sys.argv", ["job", *started[0]])
    job.main()
    assert done == [starting.job_name(evaluation, *extras)]


def test_a_cancelled_evaluation_goes_on_where_it_was(model, colors, few):
    evaluation = find(model, colors, "test")

    def cancel(done: int, total: int, message: str) -> None:
        if "wrong labels" in message:
            raise jobs.Cancelled

    with pytest.raises(jobs.Cancelled):
        job.make(evaluation, cancel)
    assert evaluation.missing() == list(directory.PARTS[1:])
    messages = set()
    with pytest.raises(jobs.Cancelled):
        job.make(evaluation, lambda done, total, message: messages.add(message) or cancel(done, total, message))
    assert messages == {"looking for wrong labels"}


def test_the_reference_judges_a_single_picture_as_it_judges_the_split(model, colors, few):
    work = job.Work.begin(find(model, colors, "test"), quiet)
    found = work.predictions()
    scores, known = work.unusual(found).scores, reference.find(model)
    images = load("colors", 8).test.images
    forward = Forward.load(model)
    _, features = forward(images[4:5])
    assert known.detector.score(forward.seen(images[4:5], features))[0] == pytest.approx(scores[4], abs=1e-3)
    assert known.temperature.apply(found.logits).argmax(1).tolist() == found.predicted.tolist()


def test_without_the_training_data_there_is_no_temperature_and_a_sentence_instead(model, colors, few):
    tensors, info = checkpoint.load(model)
    checkpoint.save(models.resolve(model), tensors, replace(info, data={"name": "gone", "fingerprint": "0"}))
    evaluation = find(model, colors, "test")
    work = job.Work.begin(evaluation, quiet)
    assert "not on this machine" in work.unusual(work.predictions()).note
    assert reference.find(model) is None
    assert report.collect(evaluation).summary.scaled is None


def test_all_images_of_other_data_are_used_where_it_has_no_test_split(model, colors, tmp_path, capsys):
    target = store.folder_of("more")
    with store.creating(target) as staging:
        writer = store.Writer(staging)
        writer.append("train", np.zeros((9, 3, 8, 8), np.uint8), np.arange(9) % 3)
        store.publish(staging, target, writer.finish(DatasetInfo("more", "imported", colors.classes, {}, None, "")))
    assert main(["evaluate", model, "--data", "more"]) == 0
    assert "on 9 images of train" in capsys.readouterr().out


@pytest.mark.parametrize(("split", "words"), [("test/", "on 9 images"), ("", "on 9 images of train")])
def test_a_folder_with_test_alone_or_class_folders_alone_is_judged_whole(
    model, colors, few, tmp_path, capsys, split, words
):
    for number in range(9):
        folder = tmp_path / "pictures" / split / colors.classes[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 16), (30 * number, 9, 9)).save(folder / f"{number}.png")
    data, where = str(tmp_path / "pictures"), str(tmp_path / "report")
    assert main(["evaluate", model, "--data", data, "--report", where]) == 0
    assert capsys.readouterr().out.rstrip().endswith(words)
    figures = json.loads((tmp_path / "report" / report.JSON).read_text())
    assert (figures["split"], figures["accuracy"]["images"]) == (("test" if split else "train"), 9)


def test_a_look_at_test_is_counted_and_one_at_val_is_not(model, colors):
    test, val = find(model, colors, "test"), find(model, colors, "val")
    for evaluation in (test, test, val):
        directory.note_look(evaluation)
    assert directory.looks(test) == 2


def test_evaluations_of_a_run_are_kept_with_it_and_of_each_checkpoint_apart(home):
    run = written_run("quick-otter")
    saved(run, 500)
    saved(run, 1000, seed=1)
    shapes = job.catalog.describe("shapes")
    best, earlier = find("quick-otter", shapes, "test"), find("quick-otter@500", shapes, "test")
    assert best.owner == earlier.owner == run.path / "evaluations"
    assert best.path != earlier.path


def test_data_with_other_classes_is_refused_with_both_lists(model, home):
    with pytest.raises(DataError, match="tells apart cat, dog, ship; shapes has"):
        find(model, job.catalog.describe("shapes"), "test")


def test_a_damaged_file_is_told_by_its_name(model, colors):
    evaluation = find(model, colors, "test")
    job.Work.begin(evaluation, quiet).predictions()
    evaluation.predictions_path.write_bytes(b"no")
    with pytest.raises(EvaluationError, match=r"predictions\.safetensors can't be read"):
        predictions.read(evaluation.predictions_path)
    evaluation.part_path("map").write_text("{}")
    with pytest.raises(EvaluationError, match=r"map\.json"):
        evaluation.read("map", ImageMap)


def test_predict_and_evaluate_see_the_same_pixels(model, colors):
    found = job.Work.begin(find(model, colors, "test"), quiet).predictions()
    material = report.collect(find(model, colors, "test"))
    predictor = Predictor.load(model)
    with torch.inference_mode():
        logits = predictor.model(predictor.inputs([predictor.see(report.image(material, 7))]))
    assert logits[0].tolist() == pytest.approx(found.logits[7].tolist(), abs=1e-4)


@pytest.mark.slow
def test_an_evaluation_in_the_background_says_how_it_ended(model, colors):
    evaluation = find(model, colors, "test")
    starting.start(evaluation)
    assert directory.looks(evaluation) == 1
    deadline = time.monotonic() + 80
    while (status := jobs.status(starting.job_name(evaluation))).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (status.state, status.error) == ("finished", None)
    assert find(model, colors, "test").is_complete
