"""A checkpoint comes back exactly as it was saved, or not at all."""

import hashlib
import json
import pickle
import random
import resource
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from builders import model_info, prefixed, random_inputs, saved_checkpoint, vision_transformer

from vit import checkpoint, models
from vit.errors import CheckpointError


@pytest.mark.parametrize(
    "config",
    [{}, {"pool": "cls", "reg_tokens": 2}, {"pos_embed": "sincos2d"}, {"patch_size": 4, "stem": "conv"}],
    ids=str,
)
def test_a_checkpoint_rebuilds_its_model_by_itself(tmp_path, config):
    model = vision_transformer(**config)
    path = tmp_path / "a.safetensors"
    digest = checkpoint.save(path, prefixed(model), model_info(model))
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    rebuilt, info = checkpoint.load_with_info(path)
    assert torch.equal(rebuilt(random_inputs(model)), model(random_inputs(model)))
    assert not rebuilt.training
    assert info == model_info(model)
    assert torch.equal(checkpoint.load_model(path)(random_inputs(model)), model(random_inputs(model)))


def test_a_description_with_a_number_that_json_does_not_know_is_not_written(tmp_path):
    model = vision_transformer()
    info = replace(model_info(model), metrics={"val_loss": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        checkpoint.save(tmp_path / "a.safetensors", prefixed(model), info)
    assert list(tmp_path.iterdir()) == []


def test_the_description_is_read_without_torch(tmp_path):
    path = saved_checkpoint(tmp_path / "a.safetensors")
    code = (
        "import sys; from vit import models; models.read_info(models.Path(sys.argv[1])); print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code, str(path)], text=True).strip() == "False"


def test_every_tensor_and_type_survives(tmp_path):
    tensors = {
        "model.a": torch.randn(3, 4).T,
        "optimizer.step": torch.tensor(12, dtype=torch.int64),
        "optimizer.half": torch.randn(5).bfloat16(),
        "empty": torch.zeros(0, 3),
    }
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, tensors, model_info(vision_transformer()))
    loaded, _ = checkpoint.load(path)
    assert loaded.keys() == tensors.keys()
    assert all(
        torch.equal(loaded[name], tensor) and loaded[name].dtype is tensor.dtype for name, tensor in tensors.items()
    )


def test_averaged_weights_are_the_ones_to_predict_with(tmp_path):
    plain, averaged = vision_transformer(seed=0), vision_transformer(seed=1)
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, prefixed(plain) | prefixed(averaged, "ema."), model_info(plain))
    assert torch.equal(checkpoint.load_with_info(path)[0].head.weight, averaged.head.weight)


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load_with_info(path)[0]
    return str(caught.value)


def test_a_flipped_bit_anywhere_is_refused(tmp_path):
    good = saved_checkpoint(tmp_path / "a.safetensors").read_bytes()
    header = 8 + int.from_bytes(good[:8], "little")
    chosen = random.Random(0)
    places = [chosen.randrange(8 * header) for _ in range(120)] + [chosen.randrange(8 * len(good)) for _ in range(120)]
    path = tmp_path / "b.safetensors"
    for place in [*range(64), *places]:
        broken = bytearray(good)
        broken[place // 8] ^= 1 << place % 8
        path.write_bytes(broken)
        refused(path)


def test_a_file_cut_short_or_with_something_behind_it_is_refused(tmp_path):
    good = saved_checkpoint(tmp_path / "a.safetensors").read_bytes()
    path = tmp_path / "b.safetensors"
    cuts = [*range(20), len(good) - 1, *(random.Random(0).randrange(len(good)) for _ in range(200))]
    for content in [*(good[:cut] for cut in cuts), good + b"\0", good + good]:
        path.write_bytes(content)
        refused(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_never_saved(tmp_path, value):
    model = vision_transformer()
    with torch.no_grad():
        model.blocks[1].mlp.fc1.bias[3] = value
    path = saved_checkpoint(tmp_path / "a.safetensors")
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="model.blocks.1.mlp.fc1.bias"):
        saved_checkpoint(path, model)
    assert path.read_bytes() == before


def written(path: Path, tensors: dict, payload: str) -> Path:
    """A file with a right digest, as an attacker could make one."""
    metadata = {"vit": payload, "sha256": checkpoint.digest(tensors, payload)}
    safetensors.torch.save_file(tensors, path, metadata)
    return path


def test_weights_that_are_not_finite_are_not_loaded_either(tmp_path):
    model = vision_transformer()
    tensors = {name: tensor.clone() for name, tensor in prefixed(model).items()}
    tensors["model.head.weight"][0, 0] = float("nan")
    path = written(tmp_path / "a.safetensors", tensors, json.dumps(model_info(model).to_json()))
    assert "model.head.weight" in refused(path)


def test_weights_of_another_shape_are_listed(tmp_path):
    small, large = vision_transformer(), vision_transformer(embed_dim=32, pool="cls")
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, prefixed(small), model_info(large))
    message = refused(path)
    assert "cls_token is missing" in message
    assert "fc_norm.weight is unknown" in message
    assert "patch_embed.proj.weight is (16, 3, 2, 2) instead of (32, 3, 2, 2)" in message


@pytest.mark.parametrize("length", [0, 1, 5_000_000, 2**40, 2**63, 2**64 - 1])
def test_a_header_of_absurd_length_is_refused(tmp_path, length):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}" * 100)
    assert "safetensors" in refused(path)


def safetensors_file(path: Path, header: bytes) -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


HEADERS = {
    "not JSON": b"hello there",
    "not UTF-8": b'{"\xff\xfe": 1}',
    "a list": b"[]",
    "a number": b"12",
    "null": b"null",
    "metadata that is a list": b'{"__metadata__": ["vit"]}',
    "metadata that is a number": b'{"__metadata__": 3}',
    "a description that is a number": b'{"__metadata__": {"vit": 3}}',
    "a description that is null": b'{"__metadata__": {"vit": "null"}}',
    "a description without fields": b'{"__metadata__": {"vit": "{}"}}',
    "a deep list": b"[" * 200_000 + b"]" * 200_000,
    "a deep description": b'{"__metadata__": {"vit": "' + b"[" * 200_000 + b'"}}',
    "a long number": b'{"__metadata__": {"vit": "{\\"format\\": ' + b"9" * 10_000 + b'}"}}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_malformed_header_is_refused(tmp_path, header):
    refused(safetensors_file(tmp_path / "a.safetensors", header))


def test_weights_of_someone_else_are_refused_as_such(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, path, {"format": "pt"})
    assert "not a ViT Lab checkpoint" in refused(path)


def test_a_newer_format_says_so(tmp_path):
    model = vision_transformer()
    description = model_info(model).to_json() | {"format": 99}
    path = written(tmp_path / "a.safetensors", prefixed(model), json.dumps(description))
    assert "format 99" in refused(path)


def test_a_description_with_a_model_that_can_not_be_is_refused(tmp_path):
    model = vision_transformer()
    description = json.loads(json.dumps(model_info(model).to_json()))
    description["run"]["model"]["patch_size"] = 3
    path = written(tmp_path / "a.safetensors", prefixed(model), json.dumps(description))
    assert "patch_size" in refused(path)


@pytest.mark.parametrize("field", ["classes", "mean", "std"])
def test_a_description_that_does_not_fit_its_model_is_refused(tmp_path, field):
    model = vision_transformer()
    description = json.loads(json.dumps(model_info(model).to_json()))
    description[field].pop()
    path = written(tmp_path / "a.safetensors", prefixed(model), json.dumps(description))
    assert "its model has 3" in refused(path)


def test_more_tensors_than_any_model_has_are_refused(tmp_path):
    tensors = {f"model.{number}": torch.zeros(0) for number in range(checkpoint.MAX_TENSORS // 10)}
    payload = json.dumps(model_info(vision_transformer()).to_json())
    assert "don't fit" in refused(written(tmp_path / "a.safetensors", tensors, payload))


class Payload:
    """What a malicious checkpoint does when it is unpickled."""

    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


def hostile_files(canary: Path) -> dict[str, bytes]:
    """Pickles as they are found in .pt files, of every protocol and in every wrapping."""
    payload = {"model": Payload(canary)}
    found = {f"protocol {protocol}": pickle.dumps(payload, protocol) for protocol in range(6)}
    found["torn"] = found["protocol 4"][:-1] + b"garbage"
    for name, legacy in (("torch zip", False), ("torch legacy", True)):
        torch.save(payload, canary.parent / "x.pt", _use_new_zipfile_serialization=not legacy)
        found[name] = (canary.parent / "x.pt").read_bytes()
    with zipfile.ZipFile(canary.parent / "x.zip", "w") as archive:
        archive.writestr("archive/data.pkl", found["protocol 2"])
    found["zip"] = (canary.parent / "x.zip").read_bytes()
    found["behind a header"] = struct.pack("<Q", 2) + b"{}" + found["protocol 2"]
    return found


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_code_in_a_checkpoint_is_never_run(tmp_path, suffix):
    canary = tmp_path / "canary"
    for content in hostile_files(canary).values():
        path = tmp_path / f"model{suffix}"
        path.write_bytes(content)
        refused(path)
    assert not canary.exists()
    pickle.loads(pickle.dumps(Payload(canary)))
    assert canary.exists()  # the trap does work


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path):
    """A limit on file size is a full disk that a test can make: writing fails half way, in the operating system."""
    path = saved_checkpoint(tmp_path / "a.safetensors")
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            saved_checkpoint(path, vision_transformer(seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert checkpoint.load_with_info(path)[0]


@pytest.mark.parametrize("name", ["nothing-here", "", "../x", "a" * 5000, "a\0b"], ids=ascii)
def test_a_model_that_is_not_there_is_an_error_that_says_what_is(home, name):
    with pytest.raises(CheckpointError, match="Shipped models"):
        models.resolve(name)
