"""Everything a run has to take away is in one menu, and read only once it is clicked."""

import csv
import io
import json

import safetensors.torch
import torch
from builders import prefixed, vision_transformer
from worlds import saved, written_run

from pages.train.live import download
from vit.data.shapes import CLASSES


def entries(run) -> dict:
    return {entry.file: entry for entry in download._entries(run)}


def test_the_menu_is_on_the_page_of_a_run(visit):
    saved(written_run("quick-otter"), 1000)
    app = visit("train", run="quick-otter")
    assert not app.get("download_button")  # nothing is prepared for a menu that is closed
    app.session_state["download"] = True
    app.run()
    labels = [button.proto.label for button in app.get("download_button")]
    weights = ["Weights (best checkpoint)", "Weights for timm"]
    code = ["Code (train.py)", "Code (notebook)"]
    assert labels == [*weights, *code, "Curves (CSV)", "Configuration (JSON)", "Log", "Everything (archive)"]
    assert [button.proto.label for button in app.get("download_button") if button.proto.disabled] == code


def test_what_is_downloaded_is_what_the_run_has(home):
    run = written_run("quick-otter")
    saved(run, 1000)
    found = {file: entry.read() for file, entry in entries(run).items() if "Code" not in entry.label}
    assert found[".safetensors"] == run.checkpoint_path("best").read_bytes()
    weights, expected = safetensors.torch.load(found["-timm.safetensors"]), prefixed(tiny(), "")
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert json.loads(found["-config.json"])["preset"] == "1-minute"
    assert found["-log.txt"] == run.log_path.read_bytes()
    table = list(csv.DictReader(io.StringIO(found["-curves.csv"])))
    assert (len(table), table[-1]["step"], table[-1]["val_accuracy"]) == (110, "1000", "0.7")


def test_the_code_of_a_run_whose_data_changed_is_not_offered(home):
    found = entries(written_run("quick-otter"))
    assert "the data set shapes has changed since quick-otter began" in found["-script"].missing
    assert "the data set shapes has changed since quick-otter began" in found["-notebook"].missing


def tiny():
    return vision_transformer(0, image_size=16, patch_size=4, num_classes=len(CLASSES))


def test_what_is_not_there_says_why(home):
    run = written_run("quick-otter", "stopped", 200)
    run.log_path.unlink()
    found = entries(run)
    assert found[".safetensors"].missing == "No checkpoint was saved yet."
    assert found["-log.txt"].missing == "The run has not written it yet."
    saved(run, 200, stem="conv")
    found = entries(run)
    assert found["-timm.safetensors"].missing == "timm has no model that begins with stem='conv'."
    assert not found[".safetensors"].missing
