"""Image files that are made to exhaust whoever decodes them, all of them small; each is built from its seed alone."""

import random
import struct
import zlib
from collections.abc import Callable, Iterator

from image_files import encode, noise
from PIL import Image

Files = Iterator[tuple[str, Callable[[], bytes]]]  # name, and what makes the file


def hostile_images() -> Files:
    """At least a hundred files by name."""
    yield from _pngs()
    yield from _jpegs()
    yield from _gifs()
    yield from _bmps()
    yield from _webps()
    yield from _strangers()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    width: int,
    height: int,
    depth: int = 8,
    color: int = 2,
    *,
    interlace: int = 0,
    row_filter: int = 0,
    extra=b"",
    after=b"",
) -> bytes:
    """A PNG of zeros, which compresses a thousand times; ``extra`` goes before its pixels and ``after`` behind."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    stride = (width * samples * depth + 7) // 8
    row = bytes([row_filter]) + bytes(stride)
    packer, pixels = zlib.compressobj(9), []
    block = row * max(1, (1 << 20) // len(row))
    left = len(row) * height
    while left > 0:
        pixels.append(packer.compress(block[:left]))
        left -= len(block)
    content = b"".join(pixels) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    palette = chunk(b"PLTE", bytes(768)) if color == 3 else b""
    parts = [chunk(b"IHDR", header), palette, extra, chunk(b"IDAT", content), after, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif_of_many(size: int, entries: int) -> bytes:
    """EXIF whose every entry claims all of it, but for one that says the image lies on its side."""
    claim = [struct.pack("<HHII", tag, 1, size - 8, 0) for tag in range(1, entries + 1)]
    claim[0x111] = struct.pack("<HHII", 0x112, 3, 1, 6)
    table = b"".join(claim)
    return (b"II*\x00" + struct.pack("<IH", 8, entries) + table + bytes(4)).ljust(size, b"\0")


def _pngs() -> Files:
    for depth, color in [
        (1, 0),
        (2, 0),
        (4, 0),
        (8, 0),
        (16, 0),
        (8, 2),
        (16, 2),
        (8, 3),
        (8, 4),
        (16, 4),
        (8, 6),
        (16, 6),
    ]:
        for interlace in (0, 1):
            name = f"50 megapixels of {depth} bits, color type {color}, interlace {interlace}"
            yield (
                name,
                lambda depth=depth, color=color, interlace=interlace: png(
                    7071, 7071, depth, color, interlace=interlace
                ),
            )
    for row_filter in range(1, 6):
        yield f"row filter {row_filter}", lambda row_filter=row_filter: png(7071, 7071, 16, 6, row_filter=row_filter)
    for width, height in [
        (50_000_000, 1),
        (1, 50_000_000),
        (2**31 - 1, 1),
        (1, 2**31 - 1),
        (65_535, 65_535),
        (7100, 7100),
    ]:
        yield f"{width} x {height}", lambda width=width, height=height: png(width, min(height, 50_000_000), 1, 0)
    yield "a million chunks before the pixels", lambda: png(8, 8, extra=chunk(b"abCd", b"") * 1_000_000)
    yield "a million chunks behind the pixels", lambda: png(8, 8, after=chunk(b"abCd", b"") * 1_000_000)
    yield "a million empty IDAT", lambda: png(8, 8, extra=chunk(b"IDAT", b"") * 1_000_000)
    yield "two million IDAT behind", lambda: png(8, 8, after=chunk(b"IDAT", b"") * 2_000_000)
    bomb = zlib.compress(bytes(1 << 30), 9)
    yield "a text of 1 GB", lambda: png(8, 8, extra=chunk(b"zTXt", b"a\0\0" + bomb))
    yield "an international text of 1 GB", lambda: png(8, 8, extra=chunk(b"iTXt", b"a\0\1\0\0\0" + bomb))
    yield "a profile of 1 GB", lambda: png(8, 8, extra=chunk(b"iCCP", b"a\0\0" + bomb))
    many = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000), 9))
    yield "a thousand texts of 1 MB", lambda: png(8, 8, extra=many * 1000)
    yield "pixels and 1 GB more", lambda: png(8, 8)[:-12].replace(b"IDAT", b"IDAX") + chunk(b"IDAT", bomb)
    for entries, size in [(5000, 65_000), (65_535, 1_000_000), (65_535, 8_000_000)]:
        exif = exif_of_many(size, entries)
        yield f"EXIF of {entries} times {size} bytes", lambda exif=exif: png(8, 8, extra=chunk(b"eXIf", exif))
    raw = "\nexif\n  500000\n" + exif_of_many(450_000, 37_000).hex()
    text = b"Raw profile type exif\0\0" + zlib.compress(raw.encode(), 9)
    yield "EXIF as a text", lambda: png(8, 8, extra=chunk(b"zTXt", text))
    control = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    yield "two billion frames", lambda: png(8, 8, extra=control)


def scans(image: bytes) -> tuple[bytes, list[bytes], bytes]:
    """What a progressive JPEG has before its scans, the scans with the tables before each, and its end."""
    places, place = [], image.index(b"\xff\xda")
    while place != -1:
        places.append(place)
        place = image.find(b"\xff\xda", place + 2)
    tables = [max(image.rfind(b"\xff\xc4", 0, place), 0) for place in places]
    starts = [
        table if previous < table else place
        for previous, table, place in zip([0, *places], tables, places, strict=False)
    ]
    ends = [*starts[1:], len(image) - 2]
    return image[: starts[0]], [image[start:end] for start, end in zip(starts, ends, strict=True)], image[-2:]


def segment(kind: int, content: bytes) -> bytes:
    return bytes([0xFF, kind]) + struct.pack(">H", len(content) + 2) + content


def _jpegs() -> Files:
    yield (
        "a progressive CMYK JPEG of 49 megapixels",
        lambda: encode(Image.new("CMYK", (7000, 7000), 77), "JPEG", progressive=True, subsampling=0),
    )
    exif = Image.Exif()
    exif[0x112] = 6
    yield "a JPEG of 49 megapixels on its side", lambda: encode(Image.new("RGB", (8000, 6000)), "JPEG", exif=exif)
    sizes = [(7000, 7000), (4000, 3000), (1000, 1000), (64, 64)]
    for entry in (b"\xff\xe0\x01\x3f\x00", b"\xff\x02\xff\xff", b"\xff\xd0", b"\xff\xff\xff", b"\xff\x01"):
        yield f"scans behind {entry.hex()}", lambda entry=entry: many_scans((4000, 3000), "RGB", 2000, entry)
    for (width, height), count in [(size, count) for size in sizes for count in (100, 2000, 20_000)]:
        for mode in ("RGB", "L"):
            name = f"JPEG {width} x {height} {mode} of {count} scans"
            yield name, lambda size=(width, height), count=count, mode=mode: many_scans(size, mode, count)
    small = encode(noise(), "JPEG")
    for kind, count in [(0xFE, 1_000_000), (0xE1, 1_000_000), (0xE2, 1_000_000), (0xEF, 2_000_000), (0xDB, 100_000)]:
        yield (
            f"{count} segments {kind:x}",
            lambda kind=kind, count=count: small[:2] + segment(kind, b"") * count + small[2:],
        )
    exif = segment(0xE1, b"Exif\0\0" + bytes(65_000))
    yield "80 MB of EXIF", lambda: small[:2] + exif * 1250 + small[2:]
    crowded = segment(0xE1, b"Exif\0\0" + exif_of_many(65_500, 5400))
    yield "EXIF that claims itself", lambda: small[:2] + crowded + small[2:]
    yield "EXIF that claims itself 16 times", lambda: small[:2] + crowded * 16 + small[2:]
    profile = segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(65_000))
    yield "80 MB of profile", lambda: small[:2] + profile * 1250 + small[2:]
    yield "an endless run of FF", lambda: small[:2] + b"\xff" * 20_000_000 + small[2:]
    yield "an endless run of zeros", lambda: small[:-2] + bytes(20_000_000) + small[-2:]
    wide = bytearray(encode(Image.new("L", (16, 16)), "JPEG"))
    start = wide.index(b"\xff\xc0")
    for width, height in [(65_535, 762), (65_500, 65_500), (7071, 7071), (1, 65_535)]:
        claim = bytes(wide[: start + 5]) + struct.pack(">HH", height, width) + bytes(wide[start + 9 :])
        yield f"a JPEG that claims {width} x {height}", lambda claim=claim: claim


def many_scans(size: tuple[int, int], mode: str, count: int, between: bytes = b"") -> bytes:
    head, parts, tail = scans(encode(Image.new(mode, size, 128), "JPEG", progressive=True))
    return head + b"".join(parts) + (between + parts[-1]) * count + tail


PLAIN = encode(Image.new("L", (8, 8)).convert("P"), "GIF")
FRAME = PLAIN[PLAIN.index(b",") : -1]


def gif(before: bytes = b"", after: bytes = b"") -> bytes:
    """A GIF of one frame of 8 x 8 pixels and whatever else."""
    return PLAIN[: PLAIN.index(b",")] + before + FRAME + after + b";"


def sized_gif(screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    """A GIF that claims sizes that its pixels don't have."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + FRAME[-5:] + b";"


def _gifs() -> Files:
    one, full = b"\x01a", b"\xff" + b"a" * 255
    for count, block in [(400_000, one), (5_000_000, one), (40_000, full), (300_000, full)]:
        comment = b"!\xfe" + block * count + b"\0"
        yield f"a comment of {count} blocks of {len(block) - 1}", lambda comment=comment: gif(before=comment)
        yield f"a comment behind, of {count} blocks of {len(block) - 1}", lambda comment=comment: gif(after=comment)
    yield "a million comments", lambda: gif(before=b"!\xfe\x01a\0" * 1_000_000)
    yield "five million application blocks", lambda: gif(before=b"!\xff" + one * 5_000_000 + b"\0")
    yield "a million frames", lambda: gif(after=FRAME * 1_000_000)
    yield "frames of five million blocks", lambda: gif(after=FRAME[:-1] + one * 5_000_000 + b"\0")
    yield "no end of nothing", lambda: gif(before=bytes(20_000_000))
    yield "no end of nothing behind", lambda: gif(after=bytes(20_000_000))
    for size in [(7071, 7071), (65_535, 762), (65_535, 65_535)]:
        yield f"a GIF that claims {size}", lambda size=size: sized_gif(size, size)
    yield "a frame larger than its screen", lambda: sized_gif((8, 8), (65_535, 65_535))
    yield "a GIF of 49 megapixels", lambda: encode(Image.new("P", (7000, 7000)), "GIF")
    yield "a GIF of 49 megapixels and alpha", lambda: encode(Image.new("P", (7000, 7000)), "GIF", transparency=0)


def bmp(width: int, height: int, bits: int, compression: int, pixels: bytes, colors: int = 0) -> bytes:
    table = bytes(4 * (colors or (1 << bits if bits <= 8 else 0)))
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 0, 0, colors, 0)
    return (
        b"BM"
        + struct.pack("<IHHI", 14 + 40 + len(table) + len(pixels), 0, 0, 14 + 40 + len(table))
        + head
        + table
        + pixels
    )


def _bmps() -> Files:
    for bits, compression in [(8, 1), (4, 2)]:
        for name, pixels in [
            ("empty rows", b"\x00\x00" * 8000),
            ("one pixel a row", b"\x01\x00\x00\x00" * 7000),
            ("skips", b"\x00\x02\xff\xff" * 100_000),
            ("runs of one", b"\x01\x00" * 2_000_000),
            ("long runs", b"\xff\x00" * 200_000),
            ("literals", b"\x00\x04\x00\x00\x00\x00" * 500_000),
        ]:
            for width, height in [(7000, 7000), (1_000_000, 50), (1000, 1000)]:
                yield (
                    f"BMP RLE{bits} of {name}, {width} x {height}",
                    lambda args=(width, height, bits, compression, pixels): bmp(*args),
                )
    for bits in (1, 4, 8, 16, 24, 32):
        yield f"BMP of {bits} bits that claims 50 megapixels", lambda bits=bits: bmp(7071, 7071, bits, 0, bytes(1000))
    yield "BMP of two billion rows", lambda: bmp(1, -(2**31), 1, 0, bytes(1000))
    yield (
        "BMP of four billion colors",
        lambda: (
            bmp(8, 8, 8, 0, bytes(64), colors=2**32 - 1)
            if False
            else bmp(8, 8, 8, 0, bytes(64))[:46] + b"\xff" * 4 + bytes(2000)
        ),
    )


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webps() -> Files:
    def wide(value: int) -> bytes:
        return struct.pack("<I", value - 1)[:3]

    frame = encode(Image.new("RGB", (16, 16), "red"), "WEBP", lossless=True)[12:]
    for width, height in [(16_383, 16_383), (7000, 7000), (2**24, 1), (2**24, 255)]:
        canvas = b"\x02\0\0\0" + wide(width) + wide(height)
        content = [(b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", bytes(6) + wide(16) + wide(16) + bytes(4) + frame)]
        yield f"a WebP canvas of {width} x {height}", lambda content=content: riff(*content)
        yield (
            f"a WebP canvas of {width} x {height}, 20,000 frames",
            lambda content=content: riff(*content, *content[2:] * 20_000),
        )
    for size in [(7000, 7000), (5000, 4900), (16_383, 3000)]:
        for lossless in (True, False):
            yield (
                f"a WebP of {size}, lossless {lossless}",
                lambda size=size, lossless=lossless: encode(
                    Image.new("RGB", size), "WEBP", lossless=lossless, method=0
                ),
            )
    for size in [(5000, 4900), (7000, 7000)]:
        yield f"a WebP of {size} with alpha", lambda size=size: encode(Image.new("RGBA", size), "WEBP", method=0)
    yield (
        "a million WebP chunks",
        lambda: riff((b"VP8X", b"\0\0\0\0" + wide(16) + wide(16)), *[(b"abcd", b"")] * 1_000_000, (b"VP8L", frame[8:])),
    )
    exif = b"Exif\0\0" + exif_of_many(1_000_000, 65_535)
    yield (
        "EXIF in WebP",
        lambda: riff((b"VP8X", b"\x08\0\0\0" + wide(16) + wide(16)), (b"VP8L", frame[8:]), (b"EXIF", exif)),
    )


def _strangers() -> Files:
    """Formats that are not accepted, and files that are two at once."""
    for format in ("TIFF", "ICO", "PPM", "PCX", "SGI", "TGA", "EPS", "PDF"):
        yield f"a {format}", lambda format=format: encode(noise(), format)
    for seed, (name, start) in enumerate(
        [
            ("PNG", b"\x89PNG\r\n\x1a\n"),
            ("JPEG", b"\xff\xd8\xff"),
            ("GIF", b"GIF89a"),
            ("BMP", b"BM"),
            ("WEBP", b"RIFF"),
        ]
    ):
        yield (
            f"noise that begins like {name}",
            lambda start=start, seed=seed: start + random.Random(seed).randbytes(100_000),
        )
