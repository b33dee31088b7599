import contextlib
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import bmp_rle, close, encode, noise, png_header, scene
from PIL import ExifTags, Image

from vit import bombs, images
from vit.errors import ImageError


@pytest.mark.parametrize("format", images.FORMATS)
def test_every_promised_format_is_read(format):
    decoded = images.decode(encode(scene(), format), "a")
    assert decoded.image.mode == "RGB"
    assert close(decoded.image, scene(), 8)
    assert decoded.note is None


@pytest.mark.parametrize("format", ["TIFF", "ICO", "PPM", "PCX", "SGI", "TGA", "EPS", "PDF"])
def test_other_formats_are_refused_whatever_they_are_called(format):
    with pytest.raises(ImageError, match="cat.png is not an image that can be read: save it as PNG"):
        images.decode(encode(scene(), format), "cat.png")


@pytest.mark.parametrize(
    "content",
    [b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!doctype html><img>", b"\x00" * 64, bytes(range(256))],
)
def test_what_is_no_image_is_refused(content):
    with pytest.raises(ImageError, match="is not an image"):
        images.decode(content, "x.png")


def test_an_empty_file_is_called_empty():
    with pytest.raises(ImageError, match="cat.jpg is empty"):
        images.decode(b"", "cat.jpg")


@pytest.mark.parametrize(("format", "options"), [(f, {}) for f in images.FORMATS] + [("JPEG", {"progressive": True})])
def test_a_file_cut_anywhere_is_refused_or_complete(format, options):
    content = encode(noise(), format, **options)
    whole = images.decode(content, "a").image
    for cut in range(0, len(content), max(1, len(content) // 150)):
        try:
            image = images.decode(content[:cut], "a").image
        except ImageError:
            continue
        assert image.tobytes() == whole.tobytes(), f"half an image after {cut} of {len(content)} bytes"


@given(st.sampled_from(images.FORMATS), st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_files_never_raise_anything_else(format, data):
    content = bytearray(encode(noise(12), format))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ImageError):
        assert images.decode(bytes(content), "a").image.mode == "RGB"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(20_000, 20_000), (10_000, 10_000), (50_001, 1000), (7100, 7100)])
def test_bombs_are_refused_from_their_header(size):
    start = time.process_time()
    with pytest.raises(ImageError, match="more than 50 megapixels"):
        images.decode(png_header(*size), "bomb.png")
    assert time.process_time() - start < 0.2


def scans(count: int, size: tuple[int, int], between: bytes = b"") -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    image = encode(Image.new("RGB", size, "gray"), "JPEG", progressive=True)
    last = image[image.rindex(b"\xff\xda") : -2]
    return image[:-2] + (between + last) * count + image[-2:]


# What stands between the scans is skipped by decoders, and must not hide the scans from whoever counts them.
@pytest.mark.parametrize(
    "between", [b"", b"\xff\xd0", b"\xff\xff\xff", b"\xff\x02\xff\xff", b"\xff\xfe\x00\x02"], ids=repr
)
def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded(between):
    start = time.process_time()
    with pytest.raises(ImageError, match="bomb.jpg has too many scans"):
        images.decode(scans(2000, (3000, 3000), between), "bomb.jpg")
    assert time.process_time() - start < 2  # most of it for making the file; decoding took half a minute


@pytest.mark.parametrize(("size", "count"), [((1000, 1000), 100), ((64, 64), 2000)])
def test_a_jpeg_of_more_scans_than_usual_is_read(size, count):
    assert images.decode(scans(count, size), "a").image.size == size


def test_thumbnails_and_what_follows_the_image_are_no_scans():
    """Cameras put a JPEG into the metadata, and phones a film behind the image."""
    image, other = encode(Image.new("RGB", (4000, 3000)), "JPEG"), scans(900, (8, 8))[:-2]
    thumbnail = b"\xff\xe1" + (len(other) + 2).to_bytes(2, "big") + other
    assert len(other) < 65_000
    assert images.decode(image[:2] + thumbnail + image[2:] + scans(20_000, (8, 8)), "a").image.size == (4000, 3000)


def test_a_second_scan_header_can_not_pose_as_a_segment():
    """The ids and tables in a scan's header are free: FF E0 there is no segment to be skipped."""
    hidden = scans(200, (3000, 3000)).replace(b"\xff\xda\x00\x08\x01\x01", b"\xff\xda\x00\x08\x01\xff\xe0")
    with pytest.raises(ImageError, match="too many scans"):
        images.decode(hidden, "a")


@pytest.mark.parametrize(
    "content",
    [
        encode(scene())[:33]
        + (b"\0\0\0\0abCd" + zlib.crc32(b"abCd").to_bytes(4, "big")) * 250_000
        + encode(scene())[33:],
        b"\xff\xd8" + b"\xff" * 1_000_000 + encode(scene(), "JPEG")[2:],
        b"\xff\xd8" + b"\xff\xef\0\x02" * 101_000 + encode(scene(), "JPEG")[2:],
        b"\xff\xd8" + (b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)) * 260 + encode(scene(), "JPEG")[2:],
        encode(scene().convert("P"), "GIF")[:13] + bytes(1_000_000) + b";",
    ],
    ids=["PNG chunks", "JPEG padding", "JPEG segments", "17 MB of EXIF", "GIF padding"],
)
def test_files_of_countless_parts_are_refused(content):
    start = time.process_time()
    with pytest.raises(ImageError, match="save it again with an image editor"):
        images.decode(content, "a")
    assert time.process_time() - start < 3


def test_a_compressed_bmp_is_read_up_to_four_megapixels():
    """Pillow decodes run lengths in Python: rows of one pixel that it has to fill up took 10 s."""
    with pytest.raises(ImageError, match="compressed BMP of more than 4 megapixels: save it as PNG"):
        images.decode(bmp_rle(7000, 7000, b"\x01\x00\x00\x00" * 7000), "a")
    assert images.decode(bmp_rle(100, 50, b"\x64\x01\x00\x00" * 50), "a").image.size == (100, 50)


def test_an_image_is_not_longer_than_other_formats_allow():
    with pytest.raises(ImageError, match="more than 65,535 pixels long"):
        images.decode(png_header(70_000, 10), "a")


@pytest.mark.parametrize(("format", "mode", "limit"), [("WEBP", "RGB", 25), ("PNG", "RGB", 50)])
def test_webp_takes_twice_the_memory_so_half_the_pixels(format, mode, limit):
    content = encode(Image.new(mode, (6000, 4500)), format, method=0)  # 27 megapixels
    if limit == 50:
        assert images.decode(content, "a").image.size == (6000, 4500)
    else:
        with pytest.raises(ImageError, match="more than 25 megapixels, the most for WebP"):
            images.decode(content, "a")


def test_colors_of_sixteen_bits_take_twice_the_time_so_half_the_pixels():
    with pytest.raises(ImageError, match="more than 25 megapixels"):
        images.decode(png_header(6000, 4500, depth=16), "a")


def test_frames_that_take_long_to_count_are_several():
    image = encode(scene().convert("P"), "GIF")
    frame = image[image.index(b",") : -1]
    decoded = images.decode(image[:-1] + frame * 50_000 + b";", "a")
    assert decoded.note == "first of several frames"
    assert decoded.image.tobytes() == images.decode(image, "a").image.tobytes()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P", "I;16"])
def test_an_image_converted_in_bands_is_the_image_converted_at_once(mode, monkeypatch):
    image = Image.fromarray(np.arange(90 * 70, dtype=np.uint16).reshape(90, 70) * 10)
    if mode != "I;16":
        image = noise(90).resize((70, 90)).convert("RGBA")
        image.putalpha(noise(90).resize((70, 90)).convert("L"))
        image = image if mode == "RGBA" else image.convert("LA" if mode == "LA" else "P")
    content = encode(image, "PNG", **({"transparency": 3} if mode in ("P", "PA") else {}))
    at_once = images.decode(content, "a")
    monkeypatch.setattr(images, "BAND_PIXELS", 300)
    in_bands = images.decode(content, "a")
    assert in_bands.image.tobytes() == at_once.image.tobytes()
    assert in_bands.note == at_once.note


def test_threads_decode_at_most_as_many_pixels_together_as_one_image_has():
    room, at_work, most = bombs._Room(10), [], []

    def decode(pixels: int) -> None:
        with room.take(pixels):
            at_work.append(pixels)
            most.append(sum(at_work))
            time.sleep(0.002)
            at_work.remove(pixels)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, [4, 10, 1, 3, 7, 2, 5, 6] * 5))
    assert 4 < max(most) <= 10


def test_a_image_without_pixels_is_refused():
    with pytest.raises(ImageError):
        images.decode(png_header(0, 0), "a.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_orientation_is_honoured(orientation):
    turn = Image.Transpose
    as_held = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,  # held a quarter turn clockwise, the scene lies counter-clockwise
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }
    stored = scene() if orientation == 1 else scene().transpose(as_held[orientation])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    decoded = images.decode(encode(stored, "PNG", exif=exif), "a").image
    assert decoded.tobytes() == scene().tobytes()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\x00\x00broken", b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff", b"\x00"])
def test_a_broken_orientation_means_none(exif):
    assert close(images.decode(encode(scene(), "JPEG", exif=exif), "a").image, scene(), 8)


def test_an_unknown_orientation_means_none():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 99
    assert images.decode(encode(scene(), exif=exif), "a").image.size == (40, 20)


def test_metadata_does_not_travel_on():
    exif = Image.Exif()
    exif[0x010E] = "at home"
    decoded = images.decode(encode(scene(), "JPEG", exif=exif), "a").image
    assert b"at home" not in encode(decoded, "JPEG") + encode(decoded, "PNG") + encode(decoded, "WEBP")
    assert not decoded.info


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_are_shown_on_white_and_said_so(mode):
    image = Image.new("RGBA", (4, 2), (255, 0, 0, 0))
    image.putpixel((0, 0), (10, 10, 10, 255))
    decoded = images.decode(encode(image.convert(mode)), "a")
    assert decoded.image.getpixel((3, 1)) == (255, 255, 255)
    assert decoded.image.getpixel((0, 0)) == (10, 10, 10)
    assert decoded.note == "transparent parts shown on white"


def test_a_palette_with_transparency_is_shown_on_white():
    image = Image.new("P", (4, 2), 1)
    image.putpalette([0, 0, 0, 200, 0, 0, 0, 0, 200])
    image.putpixel((0, 0), 2)
    decoded = images.decode(encode(image, transparency=1), "a")
    assert decoded.image.getpixel((3, 1)) == (255, 255, 255)
    assert decoded.image.getpixel((0, 0)) == (0, 0, 200)


def test_an_opaque_alpha_channel_is_not_worth_a_note():
    assert images.decode(encode(scene().convert("RGBA")), "a").note is None


def test_sixteen_bits_of_gray_are_scaled_not_clipped():
    ramp = np.array([[0, 257, 1000, 32896, 65535]], np.uint16)
    decoded = images.decode(encode(Image.fromarray(ramp)), "a").image
    assert [decoded.getpixel((x, 0))[0] for x in range(5)] == [0, 1, 4, 128, 255]


def test_one_bit_and_gray_and_palette_images_become_rgb():
    for mode in ("1", "L", "P"):
        decoded = images.decode(encode(Image.new("L", (3, 3), 255).convert(mode)), "a").image
        assert decoded.getpixel((1, 1)) == (255, 255, 255)


def test_cmyk_jpegs_keep_their_colors():
    """Pillow writes CMYK JPEGs inverted with an Adobe marker, as Photoshop does."""
    content = encode(scene().convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in content
    assert close(images.decode(content, "a").image, scene(), 10)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_the_first_of_several_frames_is_shown_and_said_so(format):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "lime")]
    options = {"lossless": True} if format == "WEBP" else {}
    content = encode(frames[0], format, save_all=True, append_images=frames[1:], duration=100, **options)
    decoded = images.decode(content, "a")
    assert decoded.image.getpixel((4, 4)) == (255, 0, 0)
    assert decoded.note == "first of 3 frames"


def test_a_thousand_frames_take_no_time():
    frames = [Image.new("L", (4, 4), i % 256) for i in range(1000)]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    start = time.process_time()
    assert images.decode(content, "a").note == "first of 1000 frames"
    assert time.process_time() - start < 1


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 2)])
def test_extreme_shapes_fit(size):
    image = images.decode(encode(Image.new("RGB", size, "red")), "a").image
    assert images.fit(image, 32).getcolors() == [(1024, (255, 0, 0))]


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_fit_is_the_crop_box_scaled(width, height, size):
    image = noise(90).crop((0, 0, width, height))
    left, top, right, bottom = box = images.crop_box(width, height)
    assert right - left == bottom - top == min(width, height)
    assert abs(left - (width - right)) <= 1
    assert abs(top - (height - bottom)) <= 1
    expected = image.crop(box).resize((size, size), Image.Resampling.BILINEAR)
    assert images.fit(image, size).tobytes() == expected.tobytes()


def test_shrinking_averages_instead_of_dropping_pixels():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert abs(np.asarray(images.fit(Image.fromarray(stripes), 16)).astype(int) - 127).max() < 30


def test_arrays_are_channels_first():
    image = scene()
    assert images.to_array(image).shape == (3, 20, 40)
    assert images.to_array(image)[:, 0, 0].tolist() == [30, 200, 30]
    assert images.to_array(image, channels=1).shape == (1, 20, 40)
    assert images.to_array(image).flags.c_contiguous


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\secret\\cat.png", "a\0b\n.png", "x" * 5000 + ".png"])
def test_names_are_shown_without_folders_or_control_characters(name):
    with pytest.raises(ImageError) as caught:
        images.decode(b"nonsense", name)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 200
    assert "etc" not in message
    assert "secret" not in message
