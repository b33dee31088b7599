"""A checkpoint comes back exactly as it was saved, or not at all."""

import json
import math
import os
import pickle
import random
import resource
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import safetensors.torch
import torch
from builders import model_info, prefixed, random_inputs, saved_checkpoint, vision_transformer
from pydantic import ValidationError

from vit import checkpoint, header, models
from vit.config import ModelConfig
from vit.errors import CheckpointError


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"pool": "cls", "reg_tokens": 2},
        {"pos_embed": "sincos2d", "patch_size": 4, "stem": "resnet"},
        {"pos_embed": "rope"},
    ],
    ids=str,
)
def test_a_checkpoint_rebuilds_its_model_by_itself(tmp_path, config):
    model = vision_transformer(**config)
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, prefixed(model), model_info(model))
    rebuilt, info = checkpoint.load_with_info(path)
    assert torch.equal(rebuilt(random_inputs(model)), model(random_inputs(model)))
    assert not rebuilt.training
    assert info == model_info(model)
    assert torch.equal(checkpoint.load_model(path)(random_inputs(model)), model(random_inputs(model)))


def test_a_description_has_no_number_that_json_does_not_know():
    with pytest.raises(ValidationError, match="finite"):
        replace(model_info(vision_transformer()), metrics={"val_loss": float("nan")})


def test_the_description_is_read_without_torch(tmp_path):
    path = saved_checkpoint(tmp_path / "a.safetensors")
    code = (
        "import sys; from vit import models; models.read_info(models.Path(sys.argv[1])); print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code, str(path)], text=True).strip() == "False"


def test_every_tensor_and_type_survives(tmp_path):
    model = vision_transformer()
    tensors = prefixed(model) | {
        "ema." + name: tensor.half() if tensor.ndim < 2 else tensor.bfloat16()
        for name, tensor in model.state_dict().items()
    }
    tensors["model.head.weight"] = torch.randn(16, 3).T  # not contiguous
    tensors["optimizer.0.head.weight:step"] = torch.tensor(12.0)
    tensors["optimizer.0.head.weight:exp_avg"] = torch.randn(3, 16)
    tensors["optimizer.1.head.bias:momentum_buffer"] = torch.randn(3).half()
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, tensors, model_info(model))
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
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}  # none may share memory in a file
    metadata = {"vit": payload, "sha256": checkpoint.digest(tensors, payload)}
    safetensors.torch.save_file(tensors, path, metadata)
    return path


def test_weights_that_are_not_finite_are_not_loaded_either(tmp_path):
    model = vision_transformer()
    tensors = {name: tensor.clone() for name, tensor in prefixed(model).items()}
    tensors["model.head.weight"][0, 0] = float("nan")
    path = written(tmp_path / "a.safetensors", tensors, json.dumps(model_info(model).to_json()))
    assert "model.head.weight" in refused(path)


def test_a_variance_below_zero_is_not_loaded(tmp_path):
    model = vision_transformer(patch_size=4, stem="resnet")
    tensors = {name: tensor.clone() for name, tensor in prefixed(model).items()}
    name = next(name for name in tensors if name.endswith("running_var"))
    tensors[name][0] = -1
    path = written(tmp_path / "a.safetensors", tensors, json.dumps(model_info(model).to_json()))
    assert f"{name} has a variance below 0" in refused(path)


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


@pytest.mark.parametrize("name", ["model.head.weight", "ema.head.weight", "optimizer.0.head.weight:exp_avg"])
@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.int64, torch.bool, torch.complex64, torch.float64, torch.float8_e4m3fn], ids=str
)
def test_weights_of_a_type_that_would_have_to_be_cast_are_refused(tmp_path, name, dtype):
    model = vision_transformer()
    tensors = prefixed(model) | prefixed(model, "ema.")
    tensors[name] = torch.ones(3, 16).to(dtype)
    payload = json.dumps(model_info(model).to_json())
    assert f"{name} is " in refused(written(tmp_path / "a.safetensors", tensors, payload))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("optimizer.0.head.weight:exp_avg", "is (2,) instead of (3, 16)"),
        ("optimizer.0.head.weight:step", "is (2,) instead of ()"),
        ("optimizer.0.nowhere:exp_avg", "is unknown"),
        ("optimizer.0.head.weight:other", "is unknown"),
        ("optimizer.0.head.weight:exp_avg_sq:exp_avg", "is unknown"),
        ("ema.head.weight", "is (2,) instead of (3, 16)"),
        ("elsewhere.head.weight", "is unknown"),
    ],
)
def test_what_a_resume_needs_is_checked_too(tmp_path, name, reason):
    model = vision_transformer()
    tensors = prefixed(model) | (prefixed(model, "ema.") if name.startswith("ema") else {}) | {name: torch.zeros(2)}
    payload = json.dumps(model_info(model).to_json())
    assert f"{name} {reason}" in refused(written(tmp_path / "a.safetensors", tensors, payload))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mean", ["a", "b", "c"]),
        ("mean", ["0.5", 0.5, 0.5]),
        ("mean", [0.5, float("nan"), 0.5]),
        ("std", [0.2, 0.0, 0.2]),
        ("std", [0.2, -1, 0.2]),
        ("std", [0.2, True, 0.2]),
        ("classes", ["cat", 3, "ship"]),
        ("classes", ["cat", None, "ship"]),
        ("data", []),
        ("step", -1),
        ("step", 1.5),
        ("step", "7"),
        ("epoch", float("inf")),
        ("metrics", {"val_accuracy": "high"}),
        ("environment", "here"),
    ],
    ids=str,
)
def test_a_description_of_other_types_is_refused_in_one_line(tmp_path, field, value):
    model = vision_transformer()
    description = json.dumps(model_info(model).to_json() | {field: value})
    message = refused(written(tmp_path / "a.safetensors", prefixed(model), description))
    assert f"that can't be read: {field}" in message
    assert message.isprintable()


def address_space(do: str, path: Path, limit: int = 10**9) -> subprocess.CompletedProcess:
    """Run a line about ``path`` in a process that may take ``limit`` bytes more than it has after its imports."""
    code = f"""
import pathlib, resource, sys, psutil
from vit import checkpoint
from vit.errors import CheckpointError
limit = psutil.Process().memory_info().vms + {limit}
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
path = pathlib.Path(sys.argv[1])
try:
    {do}
except CheckpointError as error:
    print(error)
"""
    return subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60)


def test_a_small_file_that_claims_a_huge_model_is_refused_before_it_takes_memory(tmp_path):
    model = vision_transformer()
    description = json.loads(json.dumps(model_info(model).to_json()))
    description["run"]["model"] |= {"embed_dim": 8192, "depth": 256, "mlp_ratio": 16, "image_size": 1024}
    path = written(tmp_path / "a.safetensors", prefixed(model), json.dumps(description))
    done = address_space("checkpoint.load_model(path)", path)
    assert "blocks.255.mlp.fc2.bias is missing" in done.stdout or "don't fit" in done.stdout, done.stderr[-500:]


def sparse_file(path: Path, **changes) -> Path:
    """A file of the size that its model has, but with nothing in it, so that it takes no place on the disk."""
    info = model_info(vision_transformer()).to_json()
    info["run"]["model"] |= changes
    header, offset = {"__metadata__": {"vit": json.dumps(info), "sha256": ""}}, 0
    for name, shape in checkpoint.weight_shapes(ModelConfig(**info["run"]["model"])).items():
        end = offset + 4 * math.prod(shape)
        header[f"model.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    safetensors_file(path, json.dumps(header).encode())
    os.truncate(path, path.stat().st_size + offset)
    return path


@pytest.mark.parametrize(("depth", "reason"), [(30, "at most 32 GB are read"), (14, "of memory are free")])
def test_a_sparse_file_larger_than_memory_is_refused_by_its_size(tmp_path, depth, reason):
    path = sparse_file(tmp_path / "a.safetensors", embed_dim=8192, depth=depth)
    size = path.stat().st_size
    assert path.stat().st_blocks * 512 < 10**6
    if size < header.MAX_BYTES and psutil.virtual_memory().available > size:
        pytest.skip(f"this machine has more than {size:,} bytes of memory")
    assert reason in address_space("checkpoint.load_model(path)", path, limit=10**11).stdout


def test_shapes_without_a_model_are_those_of_the_model():
    for config in (
        {"depth": 12},
        {"depth": 1, "pool": "cls"},
        {"pos_embed": "sincos2d", "stem": "conv", "patch_size": 4},
        {"stem": "resnet", "patch_size": 8},
    ):
        model = vision_transformer(**config)
        real = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        assert checkpoint.weight_shapes(model.config) == real


def test_loading_draws_no_random_numbers_that_training_would_miss(tmp_path):
    path = saved_checkpoint(tmp_path / "a.safetensors")
    before = torch.get_rng_state()
    checkpoint.load(path)
    assert torch.equal(torch.get_rng_state(), before)


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
