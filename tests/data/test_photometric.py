"""Each operation against what it is by definition, one at a time."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from vit.data.photometric import OPERATIONS, _operate


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
