"""Archives of runs that lead elsewhere, unpack to far more than they are, lie about what they hold, or are torn."""

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from image_files import encode, noise
from PIL import Image
from safetensors.numpy import save

CONFIG = json.dumps({"train": {"steps": 5}}).encode()
NAMES = ["../evil", "one/../../evil", "/etc/evil", "one/../evil", "..", "one/checkpoints/../../../evil", "one", "", "/"]
OTHER_TOPS = [f"{top}/config.json" for top in ("One", "con", ".trash", "pretrained", "\x1b[2J")]
WEIGHTS = "checkpoints/step-5.safetensors"


def member(name: str, content: bytes = b"", **header) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in header.items():
        setattr(info, key, value)
    return info, io.BytesIO(content)


def packed(inside: dict[str, bytes], *more: tuple[tarfile.TarInfo, io.BytesIO], top: str = "one/") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in inside.items():
            tar.addfile(*member(top + name, content))
        for info, content in more:
            tar.addfile(info, content if info.size else None)
    return buffer.getvalue()


def hostile_runs() -> Iterator[tuple[str, Callable[[Path], object]]]:
    """At least forty archives by name."""
    for name, make in (*_names(), *_links(), *_contents(), *_bombs(), *_torn()):
        yield name, lambda path, make=make: path.write_bytes(make())


def _names() -> Iterator[tuple[str, Callable[[], bytes]]]:
    good = {"config.json": CONFIG}
    for name in NAMES:
        yield f"a file called {name!r}", lambda name=name: packed(good, member(name, b"x"))
    for name in OTHER_TOPS:
        yield f"a run called {name.split('/')[0]!r}", lambda name=name: packed({name: CONFIG}, top="")
    yield "two runs", lambda: packed(good, member("two/config.json", CONFIG))
    yield "a file twice", lambda: packed(good, member("one/config.json", CONFIG))
    yield "no configuration", lambda: packed({"status.json": b"{}"})
    yield "nothing", lambda: packed({})


def _links() -> Iterator[tuple[str, Callable[[], bytes]]]:
    kinds = {"symlink": tarfile.SYMTYPE, "link": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE}
    for word, kind in kinds.items():
        for name in ("one/config.json", "one/log.txt", "one/checkpoints/series"):
            bad = {"type": kind, "linkname": "/etc/passwd"}
            yield f"{word} {name}", lambda name=name, bad=bad: packed({"plan.json": b"{}"}, member(name, **bad))


def _contents() -> Iterator[tuple[str, Callable[[], bytes]]]:
    configs = {
        "not JSON": b"{",
        "nested": b"[" * 100_000,
        "wrong": b'{"model": {"depth": -1}}',
        "unknown": b'{"evil": {"x": 1}}',
        "newer": b'{"schema_version": 99}',
        "NaN": b'{"train": {"steps": 5, "lr": NaN}}',
        "large": b" " * (2 << 20),
    }
    for word, content in configs.items():
        yield f"configuration that is {word}", lambda content=content: packed({"config.json": content})
    tensors = {"x": np.zeros(4, np.float32)}
    weights = {
        "empty": b"",
        "a pickle": b"cos\nsystem\n(S'touch canary'\ntR.",
        "of a huge header": (1 << 62).to_bytes(8, "little") + b"{}",
        "without a description": save(tensors),
        "described by nonsense": save(tensors, {"vit": "[" * 10_000}),
        "of another format": save(tensors, {"vit": json.dumps({"format": 99})}),
    }
    for word, content in weights.items():
        for name in (WEIGHTS, "checkpoints/series/step-0.safetensors"):
            inside = {"config.json": CONFIG, name: content}
            yield f"{name} that is {word}", lambda inside=inside: packed(inside)
    images = {"no image": lambda: b"GIF89a", "a bomb": _image_bomb, "cut": lambda: encode(noise(48))[:200]}
    for word, image in images.items():
        yield (
            f"tracked images that are {word}",
            lambda image=image: packed({"config.json": CONFIG, "tracked.png": image()}),
        )


def _image_bomb() -> bytes:
    """An image of 400 million pixels."""
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    return bomb.getvalue()


def _bombs() -> Iterator[tuple[str, Callable[[], bytes]]]:
    yield "20,000 files", lambda: packed({"config.json": CONFIG} | {f"x{n}": b"" for n in range(20_000)})
    zeros, rows = bytes(70 << 20), b'{"step":1}\n'
    yield "70 MB of zeros", lambda: gzip.compress(packed({"config.json": CONFIG, "log.txt": zeros}), 1)
    yield (
        "three million rows",
        lambda: gzip.compress(packed({"config.json": CONFIG, "metrics.jsonl": rows * 3_000_000}), 1),
    )
    yield "6 GB claimed", lambda: packed({"config.json": CONFIG})[:1024] + _header("one/log.txt", 6 << 30)
    yield "1 TB of weights claimed", lambda: packed({"config.json": CONFIG})[:1024] + _header(f"one/{WEIGHTS}", 1 << 40)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 16)


def _torn() -> Iterator[tuple[str, Callable[[], bytes]]]:
    good = packed({"config.json": CONFIG, "log.txt": b"line\n" * 1000})
    yield "no tar at all", lambda: b"PK\x03\x04" + bytes(1000)
    yield "an empty file", lambda: b""
    for seed in range(6):
        cut = random.Random(seed).randrange(600, 6_600)
        yield f"cut {seed}", lambda cut=cut: good[:cut]
        yield f"cut and compressed {seed}", lambda cut=cut: gzip.compress(good)[: 60 + cut % 60]
