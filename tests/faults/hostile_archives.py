"""Archives that lead elsewhere, unpack to far more than they are, or are torn."""

import bz2
import gzip
import io
import lzma
import pickle
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from image_files import encode, noise

Files = Iterator[tuple[str, str, Callable[[Path], object]]]  # name, suffix, and what writes the file
GOOD = {f"{name}/{number}.png": encode(noise(8 + number)) for name in ("cat", "dog") for number in range(3)}
NAMES = [
    "../evil.png", "cat/../../evil.png", "/evil.png", "//evil.png", "C:/evil.png", "..\\evil.png", "cat/\x1b[2J.png",
    "cat/\r\n.png", "\u202ecat/0.png", "cat\x00/0.png", "con/0.png", "cat/" + "x" * 5000 + ".png", "x/" * 2000 + "0",
    ".png", "/", "", "cat/.", "cat//0.png", "./../evil.png", "~/evil.png", "$HOME/evil.png", "cat/0.png",
]  # fmt: skip
PACK = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


def hostile_archives() -> Files:
    """At least eighty files by name."""
    yield from _names()
    yield from _members()
    yield from _zip_bombs()
    yield from _tar_bombs()
    yield from _pickles()
    yield from _torn()


def zipped(path: Path, extra: dict, method: int = zipfile.ZIP_DEFLATED, good: bool = True) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**(GOOD if good else {}), **extra}.items():
            archive.writestr(zipfile.ZipInfo(name), content, method, 9)


def tarred(extra: list[tuple[tarfile.TarInfo, bytes]] = (), good: bool = True) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in GOOD.items() if good else ():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info, content in extra:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def raw_tar(blocks: bytes) -> bytes:
    good = tarred().rstrip(b"\0")
    return good + bytes(-len(good) % 512) + blocks + bytes(1024)


def header(kind: bytes, size: int, name: str = "cat/9.png") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf()


def _names() -> Files:
    for name in NAMES:
        yield f"zip of {name[:30]!r}", ".zip", lambda path, name=name: zipped(path, {name: GOOD["cat/0.png"]})
        content = [(tarfile.TarInfo(name), GOOD["cat/0.png"])]
        yield f"tar of {name[:30]!r}", ".tar", lambda path, content=content: path.write_bytes(tarred(content))


def _members() -> Files:
    for kind in (*b"12346S7x",):
        for target in ("/etc/passwd", "../../evil", "cat/0.png"):
            info = tarfile.TarInfo("cat/9.png")
            info.type, info.linkname = bytes([kind]), target
            yield (
                f"tar of type {chr(kind)} to {target}",
                ".tar",
                lambda path, info=info: path.write_bytes(raw_tar(info.tobuf())),
            )
    for mode in (0o120777, 0o060666, 0o020666, 0o010666):

        def special(path: Path, mode=mode) -> None:
            with zipfile.ZipFile(path, "w") as archive:
                info = zipfile.ZipInfo("cat/9.png")
                info.external_attr = mode << 16
                archive.writestr(info, "/etc/passwd")
                for name, content in GOOD.items():
                    archive.writestr(name, content)

        yield f"zip of mode {mode:o}", ".zip", special

    def encrypted(path: Path) -> None:
        zipped(path, {})
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(content)

    yield "encrypted", ".zip", encrypted
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("cat/0.png", GOOD["cat/0.png"])
    yield "nested", ".zip", lambda path: zipped(path, {"cat/more.zip": nested.getvalue()})


def _zip_bombs() -> Files:
    zeros = bytes(120 << 20)
    yield "twenty members of 120 MB", ".zip", lambda path: zipped(path, {f"cat/{n}.png": zeros for n in range(20)})
    yield "one member of 600 MB", ".zip", lambda path: zipped(path, {"cat/9.png": bytes(600 << 20)})
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield f"method {method}", ".zip", lambda path, method=method: zipped(path, {"cat/9.png": zeros}, method)

    def liar(path: Path) -> None:
        zipped(path, {"cat/9.png": zeros * 4})
        path.write_bytes(path.read_bytes().replace(len(zeros * 4).to_bytes(4, "little"), (9999).to_bytes(4, "little")))

    yield "480 MB that claim 10 kB", ".zip", liar
    yield "20,000 members", ".zip", lambda path: zipped(path, {f"cat/{n}.txt": b"" for n in range(20_000)})
    yield (
        "20,000 classes",
        ".zip",
        lambda path: zipped(path, {f"{n}/0.png": b"" for n in range(20_000)}, zipfile.ZIP_STORED),
    )


def _tar_bombs() -> Files:
    for suffix, pack in PACK.items():
        for name, kind in (
            ("long name", b"L"),
            ("long link", b"K"),
            ("PAX", b"x"),
            ("global PAX", b"g"),
            ("sparse", b"S"),
        ):
            content = raw_tar(header(kind, 6 << 30) + bytes(1 << 20))
            yield (
                f"{name} of 6 GB{suffix}",
                f".tar{suffix}",
                lambda path, c=content, pack=pack: path.write_bytes(pack(c)),
            )
        chain = raw_tar((header(b"L", 4) + b"cat\0".ljust(512, b"\0")) * 20_000)
        yield f"a chain{suffix}", f".tar{suffix}", lambda path, c=chain, pack=pack: path.write_bytes(pack(c))
        empty = raw_tar(header(b"0", 0) * 20_000)
        yield f"20,000 members{suffix}", f".tar{suffix}", lambda path, c=empty, pack=pack: path.write_bytes(pack(c))
    for size in (100 << 20, 600 << 20):
        blocks = header(b"0", size) + bytes(size)
        yield (
            f"{size >> 20} MB of zeros",
            ".tar.gz",
            lambda path, b=blocks: path.write_bytes(gzip.compress(raw_tar(b), 6)),
        )
    digits = raw_tar((header(b"x", 60_000) + b"9" * 60_000 + bytes(416)) * 50)
    yield "PAX of digits", ".tar", lambda path: path.write_bytes(digits)
    map_of_holes = b"29 GNU.sparse.major=1\n" + b"28 GNU.sparse.minor=0\n"
    yield (
        "PAX sparse",
        ".tar",
        lambda path: path.write_bytes(
            raw_tar(header(b"x", 44) + map_of_holes.ljust(512, b"\0") + header(b"0", 512) + b"9" * 512)
        ),
    )


def _pickles() -> Files:
    for name, content in (
        ("evil", b"cos\nsystem\n(S'touch ../canary'\ntR."),
        ("memo", b"\x80\x02Nr" + (1 << 30).to_bytes(4, "little") + b"."),
        ("bytearray", b"\x80\x05\x96" + (1 << 36).to_bytes(8, "little") + b"."),
        ("lists", pickle.dumps([[[0] * 1000] * 1000] * 1000)),
        ("nothing", b""),
    ):
        batches = {f"data_batch_{n}": content for n in range(1, 6)} | {"test_batch": content}
        yield f"batches of {name}", ".zip", lambda path, batches=batches: zipped(path, batches, good=False)


def _torn() -> Files:
    for seed in range(24):

        def torn(path: Path, seed=seed) -> None:
            chosen = random.Random(seed)
            if seed % 3:
                path.write_bytes(list(PACK.values())[seed % 4](tarred()))
            else:
                zipped(path, {})
            content = bytearray(path.read_bytes())
            for _ in range(chosen.randrange(1, 20)):
                content[chosen.randrange(len(content))] = chosen.randrange(256)
            path.write_bytes(content[: chosen.randrange(len(content) // 2, len(content) + 1)])

        yield f"torn {seed}", ".zip" if seed % 3 == 0 else ".tar", torn
