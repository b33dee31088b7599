import contextlib
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import close, encode, noise, png_header, scene
from PIL import ExifTags, Image

from vit import images
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
