"""Everything a run has to take away is in one menu, and read only once it is clicked."""

import csv
import io
import json
import zipfile

import safetensors.torch
import torch
from builders import TINY, prefixed, saved_checkpoint, vision_transformer
from worlds import config, plan, saved, written_run

from pages.train import twin
from pages.train.live import download
from tests.training.conftest import folder as folder  # a fixture
from vit.data.shapes import CLASSES
from vit.runs import launch
from vit.runs.plan import write_plan


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
    assert not any(button.proto.disabled for button in app.get("download_button"))


def test_what_is_downloaded_is_what_the_run_has(home):
    run = written_run("quick-otter")
    saved(run, 1000)
    wanted = (".safetensors", "-timm.safetensors", "-config.json", "-log.txt", "-curves.csv")
    found = {file: entry.read() for file, entry in entries(run).items() if file in wanted}
    assert found[".safetensors"] == run.checkpoint_path("best").read_bytes()
    weights, expected = safetensors.torch.load(found["-timm.safetensors"]), prefixed(tiny(), "")
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert json.loads(found["-config.json"])["preset"] == "1-minute"
    assert found["-log.txt"] == run.log_path.read_bytes()
    table = list(csv.DictReader(io.StringIO(found["-curves.csv"])))
    assert (len(table), table[-1]["step"], table[-1]["val_accuracy"]) == (110, "1000", "0.7")


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


def test_the_code_of_a_run_comes_with_what_it_reads(home, folder):
    run = launch.create(
        config(**{"data.source": str(folder), "model.num_classes": 3, "train.minutes": None, "train.steps": 9}),
        "wise-wolf",
    )
    found = entries(run)
    for file, inside in (("-script.zip", "train.py"), ("-notebook.zip", "train.ipynb")):
        with zipfile.ZipFile(io.BytesIO(found[file].read())) as packed:
            assert packed.namelist() == [inside, "data.npz"]
            assert b"STEPS" in packed.read(inside)


def test_a_run_whose_code_can_not_be_written_says_why(home):
    run = launch.create(config(), "wise-wolf")
    found = entries(run)
    assert found["-script"].missing.startswith("Nobody knows yet how many steps 1 min are")
    write_plan(run, plan().model_copy(update={"data_fingerprint": "another"}))
    assert "has changed since wise-wolf began" in entries(run)["-notebook"].missing


def test_code_whose_first_weights_are_gone_says_so_before_a_click(home, folder, tmp_path):
    start = saved_checkpoint(tmp_path / "start.safetensors")
    tiny_one = {f"model.{name}": value for name, value in TINY.items()} | {"model.stem": "patch"}
    length = {"train.minutes": None, "train.steps": 9}
    run = launch.create(
        config(**tiny_one, **length, **{"data.source": str(folder), "init.checkpoint": str(start)}), "wise-wolf"
    )
    assert entries(run)["-script.zip"].missing == ""
    twin._refused.clear()
    start.unlink()
    assert entries(run)["-script.zip"].missing.startswith("No model called ")
