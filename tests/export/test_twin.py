"""The code of a run computes what the run has computed, bit by bit, and is fit to be read."""

import ast
import pickle
import random
import re
import runpy
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torchvision
from builders import saved_checkpoint, vision_transformer

from tests.export.conftest import losses, strangers_losses, unpacked
from tests.training.conftest import EVERYTHING, ended, tiny_config
from vit.__main__ import main
from vit.config import field_names
from vit.data.cifar10 import BATCHES, CLASSES, read_batches
from vit.data.download import CIFAR10
from vit.errors import CheckpointError, ConfigError
from vit.export.twin import package, recipe, script
from vit.runs import launch
from vit.runs.changes import Change, write_change
from vit.runs.metrics import curve, read_metrics

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATIONS = {
    "plain": {},
    "hybrid": {"model.stem": "conv", "model.patch_size": 4, "train.whiten": True},
    "resnet": {"model.stem": "resnet", "model.patch_size": 4, "train.whiten": True, "train.ema_decay": 0.9},
    "muon": {"train.optimizer": "muon", "model.pool": "cls", "model.reg_tokens": 2},
    "mixup": {"augment.mixup_alpha": 0.4, "augment.cutmix_alpha": 0.4, "model.drop_rate": 0.1},
    "patch dropout": {"model.patch_drop_rate": 0.5, "model.pool": "cls"},
    "patch dropout, mean": {"model.patch_drop_rate": 0.5, "model.pos_embed": "none"},
    "rope": {"model.pos_embed": "rope", "model.pool": "cls", "model.patch_drop_rate": 0.5},
    "layers": {"init.layer_decay": 0.7, "init.frozen_blocks": 1, "model.depth": 3, "train.optimizer": "muon"},
    "layers of adamw": {"init.layer_decay": 0.7, "model.pool": "cls", "model.reg_tokens": 2},
    "bf16": {"train.precision": "bf16", "train.optimizer": "muon", "model.attn_drop_rate": 0.1, "model.pool": "cls"},
    "everything": EVERYTHING | {"train.optimizer": "muon", "model.pool": "cls"},
    "sine-cosine": {"model.pos_embed": "sincos2d", "model.reg_tokens": 1},
}
VALUES = {
    "model.image_size": [8, 12, 16],
    "model.patch_size": [2, 4, 8],
    "model.in_channels": [1, 3],
    "model.embed_dim": [12, 16, 32],
    "model.depth": [1, 2, 3],
    "model.num_heads": [1, 2, 4],
    "model.mlp_ratio": [1.0, 2.0, 2.6, 3.0],
    "model.qkv_bias": [True, False],
    "model.pool": ["cls", "mean"],
    "model.pos_embed": ["learned", "sincos2d", "rope", "none"],
    "model.reg_tokens": [0, 1, 3],
    "model.stem": ["patch", "conv", "resnet", "resnet-deep"],
    "model.patch_drop_rate": [0.0, 0.4],
    "model.drop_rate": [0.0, 0.1],
    "model.attn_drop_rate": [0.0, 0.2],
    "model.drop_path_rate": [0.0, 0.3],
    "data.val_size": [0.1, 12, 0.3],
    "augment.flip": ["none", "random", "alternating"],
    "augment.crop_padding": [0, 1, 9],
    "augment.color_jitter": [0.0, 0.4],
    "augment.rand_augment": [0, 3, 10],
    "augment.random_erasing": [0.0, 0.5],
    "augment.mixup_alpha": [0.0, 0.8],
    "augment.cutmix_alpha": [0.0, 1.0],
    "train.batch_size": [12, 16, 30],
    "train.optimizer": ["adamw", "sgd", "muon"],
    "train.lr": [0.001, 0.01],
    "train.weight_decay": [0.0, 0.05, 0.5],
    "train.momentum": [0.0, 0.9, 0.95],
    "train.whiten": [True, False],
    "train.warmup": [0, 0.1, 7],
    "train.schedule": ["cosine", "linear"],
    "train.label_smoothing": [0.0, 0.1],
    "train.grad_clip": [0.0, 0.5, 1.0],
    "train.ema_decay": [0.0, 0.9],
    "train.patience": [0, 100],
    "train.precision": ["fp32", "fp32", "bf16"],
    "train.seed": [0, 7, 2**31 - 1],
    "init.trainable": ["all", "all", "head"],
    "init.frozen_blocks": [0, 0, 1, 2],
    "init.layer_decay": [1.0, 0.65],
}
# What decides where and how long, or what is written; torch.compile takes a minute and rounds in its own way.
LEFT_OUT = {f"train.{name}" for name in "epochs steps minutes eval_every save_every keep_all compile".split()}
LEFT_OUT |= {"train.device", "train.threads", "train.processes", "data.source", "init.checkpoint", "model.num_classes"}


def drawn(seed: int) -> dict:
    """Any value of every setting, again until they fit together."""
    chance = random.Random(seed)
    while True:
        settings = {name: chance.choice(values) for name, values in VALUES.items()}
        try:
            tiny_config(**{name.replace(".", "__"): value for name, value in settings.items()})
            return settings
        except ConfigError:
            continue


def test_a_draw_is_over_all_settings():
    assert VALUES.keys() | LEFT_OUT == set(field_names())


@pytest.mark.parametrize("name", ["everything", "layers", "layers of adamw", "resnet", "bf16"])
def test_a_script_repeats_a_run_bit_by_bit(name, trained, tmp_path, monkeypatch):
    run = trained(CONFIGURATIONS[name] | {"train.steps": 5})
    unpacked(run, tmp_path / "away")
    monkeypatch.chdir(tmp_path / "away")
    again = runpy.run_path("train.py")
    assert [loss.item() for loss in again["losses"]] == losses(run)
    validated = {name: curve(read_metrics(run), name)[1] for name in ("val_loss", "val_accuracy")}
    # The run computes all tokens of the last block where the script computes the class token, which rounds differently.
    assert again["val_loss"] == pytest.approx(validated["val_loss"][-1], abs=1e-5)
    assert again["best"][0] == pytest.approx(max(validated["val_accuracy"]), abs=1e-6)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_script_is_fit_to_be_read(name, home, folder, tmp_path):
    settings = CONFIGURATIONS[name] | {"data.source": str(folder)}
    config = tiny_config(**{name.replace(".", "__"): value for name, value in settings.items()})
    text = script.script(recipe.of_config(config))
    assert len(text.splitlines()) < 400
    assert "vit." not in text
    assert "import vit" not in text
    assigned = re.findall(r"^([A-Z][A-Z_, ]+) = ", text, re.MULTILINE)
    unused = [name for names in assigned for name in names.split(", ") if len(re.findall(rf"\b{name}\b", text)) < 2]
    assert unused == []
    (tmp_path / "train.py").write_text(text)
    for check in (["check"], ["format", "--check"]):
        words = [sys.executable, "-m", "ruff", *check, "--config", str(ROOT / "pyproject.toml"), "train.py"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def write_batches(archive: Path, folder: Path) -> None:
    """The batches of an archive with keys that are text, as in the official ones, which Python 2 has written."""
    folder.mkdir(parents=True)
    for name, (_, images, labels) in zip(BATCHES, read_batches(archive), strict=True):
        (folder / name).write_bytes(pickle.dumps({"data": images.reshape(len(images), -1), "labels": labels.tolist()}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CLASSES)}))


def test_torchvision_gives_a_script_the_pixels_of_the_official_archive(trained, real_data, tmp_path, monkeypatch):
    """With the checksums of a shortened archive, which are its own."""
    archive = real_data("cifar-10-python-sample.tar.gz", "the official archive with fewer images in each batch")
    settings = {"model.image_size": 32, "model.patch_size": 8, "model.num_classes": 10, "train.steps": 3}
    run = trained(settings | {"data.source": str(archive)})
    known = recipe.of_run(run)
    official = {"description": f"Imported from {CIFAR10.name}.", "counts": {"train": 50_000, "test": 10_000}}
    public = replace(known, images=replace(known.images, **official))
    assert (known.is_public, public.is_public) == (False, True)
    assert public.suffix("script") == ".py"
    write_batches(archive, tmp_path / "data" / torchvision.datasets.CIFAR10.base_folder)
    for name in ("train_list", "test_list"):
        files = [[file, None] for file, _ in getattr(torchvision.datasets.CIFAR10, name)]
        monkeypatch.setattr(torchvision.datasets.CIFAR10, name, files)
    monkeypatch.setitem(torchvision.datasets.CIFAR10.meta, "md5", None)
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(script.script(public))
    assert [loss.item() for loss in runpy.run_path("train.py")["losses"]] == losses(run)


def test_the_command_line_writes_the_code_with_what_it_reads(trained, tmp_path, capsys):
    trained({"train.steps": 1})
    words = ["export", "one", "--format", "notebook", "--out"]
    assert main([*words, str(tmp_path / "one.ipynb")]) == 2
    assert "should end in .zip, because its images or weights travel with it" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "one.zip")]) == 0
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == ["train.ipynb", "data.npz"]


def test_a_name_from_outside_stays_in_the_docstring(home, folder):
    known = recipe.of_config(tiny_config(data__source=str(folder)))
    name = 'my """ \\ \n import os'
    text = script.script(replace(known, images=replace(known.images, name=name)))
    assert "import os" not in text.splitlines()
    assert isinstance(ast.parse(text).body[0], ast.Expr)
    assert "my ??? ?" in ast.get_docstring(ast.parse(text))


def test_weights_that_are_others_now_are_refused(trained, tmp_path):
    """They are compared with what the run has kept of its first weights."""
    old = saved_checkpoint(tmp_path / "old.safetensors", vision_transformer())
    run = trained({"init.checkpoint": str(old), "train.steps": 1})
    saved_checkpoint(old, vision_transformer(seed=1))
    with pytest.raises(CheckpointError, match="other weights than when one began"):
        package.start_weights(recipe.of_run(run))


def test_what_was_changed_on_the_way_is_said(trained):
    run = trained({"train.steps": 2})
    assert "changed settings" not in script.script(recipe.of_run(run))
    write_change(run, Change(step=1, settings={"train.lr": 0.1}))
    assert "its losses are those of the run up to step 1." in " ".join(script.script(recipe.of_run(run)).split())


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_script_and_notebook_repeat_a_run_where_this_project_is_not(name, trained, tmp_path):
    run = trained(CONFIGURATIONS[name])
    unpacked(run, tmp_path / "away")
    assert strangers_losses(tmp_path / "away") == (losses(run), losses(run))


@pytest.mark.slow
def test_they_repeat_a_run_from_given_weights_of_another_size_and_other_classes(trained, tmp_path):
    old = vision_transformer(image_size=16, patch_size=4)
    run = trained({"init.checkpoint": str(saved_checkpoint(tmp_path / "old.safetensors", old))})
    unpacked(run, tmp_path / "away")
    assert strangers_losses(tmp_path / "away") == (losses(run), losses(run))


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["patch", "resnet"])
def test_they_repeat_a_run_of_two_processes(home, folder, tmp_path, stem):
    settings = {"data__source": str(folder), "train__processes": 2, "train__threads": 0, "model__drop_rate": 0.1}
    settings |= {"model__stem": stem, "model__patch_size": 4 if stem == "resnet" else 2}
    run = launch.launch(tiny_config(train__eval_every=1, train__steps=20, **settings), "team")
    assert ended(run) == "finished", run.log_path.read_text()
    unpacked(run, tmp_path / "away")
    assert strangers_losses(tmp_path / "away") == (losses(run), losses(run))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_they_repeat_a_run_of_any_settings(seed, trained, tmp_path):
    settings = drawn(seed)
    print(f"seed {seed}: {settings}")
    run = trained(settings)
    unpacked(run, tmp_path / "away")
    assert strangers_losses(tmp_path / "away") == (losses(run), losses(run))
