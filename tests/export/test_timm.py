"""An export is what it says: timm builds the model from the file alone and computes the same."""

import json

import pytest
import safetensors
import safetensors.torch
import timm
import torch
from builders import CLASSES, random_inputs, saved_checkpoint, vision_transformer

from vit.errors import CheckpointError, VitError
from vit.export.timm import timm_kwargs, to_timm

CONFIGS = [
    {},
    {"pool": "cls", "reg_tokens": 2},
    {"reg_tokens": 1, "pos_embed": "none"},
    {"pool": "cls", "pos_embed": "sincos2d"},
    {"pool": "cls", "pos_embed": "rope"},
    {"qkv_bias": False, "in_channels": 1},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_timm_rebuilds_an_export_from_the_file_alone(tmp_path, config):
    model, out = vision_transformer(**config), tmp_path / "out.safetensors"
    to_timm(saved_checkpoint(tmp_path / "a.safetensors", model), out)
    with safetensors.safe_open(out, "pt") as file:
        kind, kwargs = (json.loads(file.metadata()[name]) for name in ("timm_class", "timm"))
    rebuilt = getattr(timm.models, kind)(**kwargs).eval()
    rebuilt.load_state_dict(safetensors.torch.load_file(out), strict=True)
    inputs = random_inputs(model)
    assert torch.allclose(rebuilt(inputs), model(inputs), rtol=1e-5, atol=1e-5)


def test_an_export_says_how_to_feed_it_and_what_its_outputs_mean(tmp_path):
    out = tmp_path / "out.safetensors"
    to_timm(saved_checkpoint(tmp_path / "a.safetensors"), out)
    with safetensors.safe_open(out, "pt") as file:
        metadata = {name: json.loads(text) for name, text in file.metadata().items()}
    assert metadata["classes"] == list(CLASSES)
    assert (metadata["mean"], metadata["std"]) == ([0.5, 0.4, 0.3], [0.2, 0.25, 0.3])


def test_a_conv_stem_is_refused_and_nothing_is_written(tmp_path):
    path = saved_checkpoint(tmp_path / "a.safetensors", vision_transformer(patch_size=4, stem="conv"))
    with pytest.raises(VitError, match="stem"):
        to_timm(path, tmp_path / "out.safetensors")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_export_leaves_the_old_file(tmp_path):
    out = tmp_path / "out.safetensors"
    to_timm(saved_checkpoint(tmp_path / "a.safetensors"), out)
    before = out.read_bytes()
    with pytest.raises(CheckpointError):
        to_timm(tmp_path / "missing.safetensors", out)
    assert out.read_bytes() == before


def test_arguments_are_plain_json():
    kwargs = timm_kwargs(vision_transformer(pool="cls").config)
    assert json.loads(json.dumps(kwargs)) == kwargs
