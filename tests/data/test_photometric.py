"""Each operation against what it is by definition, one at a time."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from vit.data.photometric import OPERATIONS, _operate, color_jitter, rand_augment


@pytest.fixture
def images():
    return torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def apply(images, name, strength):
    kind = torch.full((len(images),), OPERATIONS.index(name))
    return _operate(images, kind, torch.full((len(images),), float(strength)))


def as_pil(image):
    return Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())


def as_tensor(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255


def test_identity_keeps_the_bits(images):
    assert torch.equal(apply(images, "identity", 1.0), images)


@pytest.mark.parametrize("name", OPERATIONS[1:])
def test_every_operation_changes_images_and_leaves_their_neighbors_alone(images, name):
    kind = torch.tensor([OPERATIONS.index(name), 0, 0, 0])
    images = 0.1 + 0.8 * images  # room for autocontrast
    varied = _operate(images, kind, torch.full((4,), 0.9))
    assert not torch.equal(varied[0], images[0])
    assert torch.equal(varied[1:], images[1:])


@pytest.mark.parametrize(
    ("name", "enhancer"),
    [("brightness", ImageEnhance.Brightness), ("saturation", ImageEnhance.Color), ("contrast", ImageEnhance.Contrast)],
)
@pytest.mark.parametrize("strength", [-0.7, 0.5])
def test_enhancements_agree_with_pillow(images, name, enhancer, strength):
    expected = as_tensor(enhancer(as_pil(images[0])).enhance(1 + 0.9 * strength))
    torch.testing.assert_close(apply(images, name, strength)[0], expected, atol=0.012, rtol=0)


def test_posterize_and_autocontrast_agree_with_pillow(images):
    rounded = as_tensor(as_pil(images[0]))[None]
    torch.testing.assert_close(apply(rounded, "posterize", 1.0)[0], as_tensor(ImageOps.posterize(as_pil(images[0]), 4)))
    expected = as_tensor(ImageOps.autocontrast(as_pil(0.2 + 0.5 * images[0])))
    torch.testing.assert_close(apply(0.2 + 0.5 * images, "autocontrast", 1.0)[0], expected, atol=0.012, rtol=0)


def test_solarize_inverts_only_what_is_bright(images):
    varied = apply(images, "solarize", 0.5)
    assert torch.equal(varied, torch.where(images >= 0.5, 1 - images, images))


def test_translation_moves_by_whole_pixels_of_the_side():
    images = torch.zeros(1, 1, 10, 10)
    images[0, 0, 4, 4] = 1
    assert apply(images, "translate_x", 1.0)[0, 0, 4].argmax() == 1  # 0.3 of the side to the left
    assert apply(images, "translate_y", -1.0)[0, 0, :, 4].argmax() == 7


def test_rotation_turns_about_the_center():
    images = torch.zeros(1, 1, 41, 41)
    images[0, 0, 20, 35] = 1  # right of the center
    turned = apply(images, "rotate", 1.0)[0, 0]
    y, x = divmod(int(turned.argmax()), 41)
    assert abs(np.hypot(x - 20, y - 20) - 15) < 1
    assert abs(abs(np.degrees(np.arctan2(y - 20, x - 20))) - 30) < 4


WARPS = ["rotate", "shear_x", "shear_y", "translate_x", "translate_y"]


@pytest.mark.parametrize("name", WARPS)
@pytest.mark.parametrize("strength", [-1.0, 0.7])
def test_what_moves_into_an_image_is_its_mirror_image_and_not_black(name, strength):
    flat = torch.full((1, 3, 12, 12), 0.6)
    torch.testing.assert_close(apply(flat, name, strength), flat)


@pytest.mark.parametrize(("name", "axis"), [("shear_x", 3), ("shear_y", 2)])
def test_shearing_moves_rows_by_up_to_0_3_of_their_distance_from_the_middle(name, axis):
    images = torch.zeros(1, 1, 41, 41)
    images[:, :, 20, :] = images[:, :, :, 20] = 1  # a cross
    found = apply(images, name, 1.0)[0, 0]
    found = found if axis == 3 else found.T
    first, last = (int(found[row].argmax()) - 20 for row in (2, 38))
    assert abs(first) == pytest.approx(0.3 * 18, abs=1)
    assert last == pytest.approx(-first, abs=1)


def test_sharpness_goes_away_from_the_mean_of_the_neighbors(images):
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    for strength in (-0.8, 0.5):
        expected = (blurred + (1 + 0.9 * strength) * (images - blurred)).clamp(0, 1)
        torch.testing.assert_close(apply(images, "sharpness", strength), expected)


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 0.75, -1.0])
def test_posterizing_keeps_eight_to_four_bits(images, strength):
    quantum = 2 ** (4 * abs(strength))
    expected = torch.floor(images * 255 / quantum) * quantum / 255
    torch.testing.assert_close(apply(images, "posterize", strength), expected)


def test_autocontrast_leaves_a_flat_channel_alone_and_stretches_the_others(images):
    images = images[:1].clone()
    images[:, 1] = 0.25
    found = apply(images, "autocontrast", 1.0)
    assert torch.equal(found[:, 1], images[:, 1])
    assert (found[:, 0].min(), found[:, 0].max()) == (0, 1)


def test_rand_augment_is_two_operations_with_directions_of_their_own():
    images = torch.rand(200, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    uniform = torch.rand(200, 4, generator=torch.Generator().manual_seed(3))
    expected = images
    for kind, direction in ((uniform[:, 0], uniform[:, 1]), (uniform[:, 2], uniform[:, 3])):
        sign = torch.where(direction < 0.5, 1.0, -1.0)
        expected = _operate(expected, (kind * 13).long(), 0.7 * sign)
    torch.testing.assert_close(rand_augment(images, 7, uniform), expected)


def test_color_jitter_is_brightness_contrast_and_saturation_in_that_order(images):
    """Factors from 1 - strength to 1 + strength; grays are those of ITU-R BT.601."""
    uniform = torch.tensor([[0.0, 0.5, 0.999], [0.9, 0.1, 0.3], [0.5, 0.5, 0.5], [0.2, 0.999, 0.0]])
    brightness, contrast, saturation = (1 + 0.4 * (2 * uniform - 1)).T.view(3, 4, 1, 1, 1)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    expected = (images * brightness).clamp(0, 1)
    gray = (expected * weights).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    expected = (gray + contrast * (expected - gray)).clamp(0, 1)
    gray = (expected * weights).sum(1, keepdim=True)
    expected = (gray + saturation * (expected - gray)).clamp(0, 1)
    torch.testing.assert_close(color_jitter(images, 0.4, uniform), expected)
    torch.testing.assert_close(color_jitter(images, 0.4, uniform)[2], images[2])
