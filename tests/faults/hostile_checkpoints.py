"""Checkpoint files that lie, are torn, or carry code."""

import json
import math
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from builders import model_info, prefixed, saved_checkpoint, vision_transformer
from safetensors.torch import save

from vit import checkpoint
from vit.config import ModelConfig

Files = Iterator[tuple[str, Callable[[Path], object]]]  # name, and what writes the file
HUGE = {"embed_dim": 8192, "num_heads": 64, "depth": 256, "mlp_ratio": 16, "image_size": 1024, "num_classes": 100_000}
VALUES = [
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    "",
    "x",
    "../../etc/passwd",
    "\x1b[2J",
    [],
    [[]],
    {},
    {"a": 1},
    float("nan"),
    "9" * 4000,
]


class Payload:
    """What a malicious file does when it is unpickled."""

    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


def hostile_checkpoints(canary: Path) -> Files:
    """At least a hundred files by name."""
    yield from _pickles(canary)
    yield from _types()
    yield from _claims()
    yield from _descriptions()
    yield from _headers()
    yield from _torn()


def written(tensors: dict, description: dict) -> bytes:
    """A file with a right digest."""
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    payload = json.dumps(description)
    return save(tensors, {"vit": payload, "sha256": checkpoint.digest(tensors, payload)})


def described(**changes) -> dict:
    description = json.loads(json.dumps(model_info(vision_transformer()).to_json()))
    description["run"]["model"] |= changes
    return description


def _pickles(canary: Path) -> Files:
    for protocol in range(6):
        yield (
            f"pickle {protocol}",
            lambda path, protocol=protocol: path.write_bytes(pickle.dumps(Payload(canary), protocol)),
        )
    for is_new in (True, False):
        yield (
            f"torch.save, zip {is_new}",
            lambda path, is_new=is_new: torch.save(
                {"model": Payload(canary)}, path, _use_new_zipfile_serialization=is_new
            ),
        )

    def packed(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(Payload(canary)))

    yield "zip", packed
    yield (
        "pickle behind a header",
        lambda path: path.write_bytes(struct.pack("<Q", 2) + b"{}" + pickle.dumps(Payload(canary))),
    )


def _types() -> Files:
    own = prefixed(vision_transformer())
    for dtype in (
        torch.int8,
        torch.uint8,
        torch.int64,
        torch.bool,
        torch.complex64,
        torch.float64,
        torch.float8_e4m3fn,
    ):
        for name in ("model.head.weight", "model.blocks.1.attn.qkv.bias", "model.pos_embed"):
            tensors = own | {name: torch.ones_like(own[name]).to(dtype)}
            yield f"{name} as {dtype}", lambda path, tensors=tensors: path.write_bytes(written(tensors, described()))
    for shape in ((0,), (1,), (16, 3), (3, 16, 1), (3, 17), (48,)):
        tensors = own | {"model.head.weight": torch.zeros(shape)}
        yield f"a head of {shape}", lambda path, tensors=tensors: path.write_bytes(written(tensors, described()))
    for name in (
        "../escape",
        "/etc/passwd",
        "model.",
        "model.head.weight\0",
        "\x1b[2J",
        "optimizer.0.x:exp_avg",
        "x" * 10_000,
    ):
        tensors = own | {name: torch.zeros(3)}
        yield f"{name[:30]!r} besides", lambda path, tensors=tensors: path.write_bytes(written(tensors, described()))
    for value in (float("nan"), float("inf"), -float("inf")):
        tensors = own | {"model.head.bias": torch.full((3,), value)}
        yield f"a bias of {value}", lambda path, tensors=tensors: path.write_bytes(written(tensors, described()))
    for name in list(own)[:10]:
        tensors = {other: tensor for other, tensor in own.items() if other != name}
        yield f"{name} missing", lambda path, tensors=tensors: path.write_bytes(written(tensors, described()))


def _claims() -> Files:
    own = prefixed(vision_transformer())
    for field, value in HUGE.items():
        heads = {"num_heads": 2}
        yield (
            f"claims {field}={value}",
            lambda path, c={**heads, field: value}: path.write_bytes(written(own, described(**c))),
        )
    for changes in ({}, {"pool": "cls", "reg_tokens": 64}, {"pos_embed": "sincos2d"}, {"patch_size": 1}):
        yield (
            f"claims all of it, {changes}",
            lambda path, c=changes: path.write_bytes(written(own, described(**HUGE | c))),
        )
    for depth in (1, 4, 14, 30, 256):
        yield f"sparse, {depth} blocks", lambda path, depth=depth: sparse(path, embed_dim=8192, depth=depth)
    many = {f"model.{number}": torch.zeros(0) for number in range(40_000)}
    yield "40,000 tensors", lambda path: path.write_bytes(written(many, described()))


def sparse(path: Path, **changes) -> None:
    """A file of the size that its model has, but with nothing in it; its digest is wrong."""
    description = described(**changes)
    header, offset = {"__metadata__": {"vit": json.dumps(description), "sha256": ""}}, 0
    for name, shape in checkpoint.weight_shapes(ModelConfig(**description["run"]["model"])).items():
        end = offset + 4 * math.prod(shape)
        header[f"model.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    os.truncate(path, 8 + len(text) + offset)


def _descriptions() -> Files:
    own = prefixed(vision_transformer())
    chosen = random.Random(0)
    for field in described():
        for value in chosen.sample(VALUES, 4):
            if field != "data" or not isinstance(value, dict):
                description = described() | {field: value}
                yield f"{field} is {value!r:.20}", lambda path, d=description: path.write_bytes(written(own, d))
    for field in ModelConfig.model_fields:
        for value in chosen.sample(VALUES[:12], 2):
            if value is not True and value != ModelConfig.model_fields[field].default:
                yield (
                    f"{field}={value!r:.20}",
                    lambda path, c={field: value}: path.write_bytes(written(own, described(**c))),
                )


def _headers() -> Files:
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    lies = {
        "overlapping": {"a": entry, "b": entry},
        "a gap": {"a": entry, "b": entry | {"data_offsets": [8, 12]}},
        "backwards": {"a": entry | {"data_offsets": [4, 0]}},
        "beyond the end": {"a": entry | {"data_offsets": [0, 2**40]}},
        "a shape that overflows": {"a": entry | {"shape": [2**32, 2**32, 2**32]}},
        "a negative shape": {"a": entry | {"shape": [-1]}},
        "another type": {"a": entry | {"dtype": "F33"}},
        "no type": {"a": {"shape": [1]}},
        "metadata of numbers": {"__metadata__": {"vit": 3}},
    }
    for name, header in lies.items():
        text = json.dumps(header).encode()
        yield name, lambda path, text=text: path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    for length in (0, 1, 10**7, 2**40, 2**63, 2**64 - 1):
        yield (
            f"a header of {length}",
            lambda path, length=length: path.write_bytes(struct.pack("<Q", length) + b"{}" * 100),
        )
    for name, text in (
        ("deep", b"[" * 10**6),
        ("not UTF-8", b'{"\xff": 1}'),
        ("long", b'{"__metadata__": {"vit": "' + b"9" * 10**6 + b'"}}'),
    ):
        yield f"a header that is {name}", lambda path, text=text: path.write_bytes(struct.pack("<Q", len(text)) + text)


def _torn() -> Files:
    for seed in range(20):

        def torn(path: Path, seed=seed) -> None:
            content = bytearray(saved_checkpoint(path).read_bytes())
            chosen = random.Random(seed)
            if seed % 2:
                content = content[: chosen.randrange(len(content))]
            else:
                content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
            path.write_bytes(content)

        yield f"torn {seed}", torn
