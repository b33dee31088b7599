"""The preview of augmentation is what training does: the same images, the same mixtures."""

import numpy as np
import pytest

from vit.config import AugmentConfig, RunConfig
from vit.data import catalog, load, variations
from vit.data.importing import import_as
from vit.training.batches import RunData, channel_statistics

STRONG = AugmentConfig(crop_padding=2, color_jitter=0.4, rand_augment=5)
STILL = AugmentConfig(flip="none", crop_padding=0)


@pytest.fixture
def pets(folder, class_files) -> str:
    import_as("pets", folder(class_files))
    return "pets"


def pixels(image) -> np.ndarray:
    return np.asarray(image).astype(int)


def trained_on(name: str, settings: AugmentConfig, step: int, index: int) -> np.ndarray:
    """What a run with one step per epoch gets of image ``index`` in ``step``, in colors from 0 to 255."""
    dataset = load.load(name, 8)
    mean, std = channel_statistics(dataset.train.images)
    data = RunData(dataset.train, dataset.train, None, dataset.classes, name, "", mean, std)
    size = len(dataset.train.labels)
    config = RunConfig.model_validate({"augment": settings.model_dump(), "train": {"batch_size": size}})
    place = load.epoch_order(size, config.train.seed, step).tolist().index(index)
    image = data.batch(step, config)[0][place] * std.view(3, 1, 1) + mean.view(3, 1, 1)
    return (image * 255).permute(1, 2, 0).numpy()


def test_the_draws_are_what_training_gets_epoch_after_epoch(pets):
    found = variations.of_image(pets, 4, 8, 3, STRONG)
    assert len(found.draws) == 24
    for epoch in (0, 1, 23):
        # a color is rounded once, and a float32 of a normalized image has seven digits
        assert np.abs(pixels(found.draws[epoch]) - trained_on(pets, STRONG, epoch, 4)).max() < 0.51


def test_without_augmentation_every_draw_is_the_image_itself(pets):
    found = variations.of_image(pets, 2, 8, 3, STILL)
    assert all(np.array_equal(pixels(draw), pixels(found.original.image)) for draw in found.draws)


def test_mixup_blends_the_image_with_one_of_another_class_as_the_label_says(pets):
    found = variations.of_image(pets, 0, 8, 3, STILL)
    own = pixels(found.original.image)
    others = {sample.index: pixels(sample.image) for sample in catalog.samples(pets, count=6) if sample.label == 1}
    assert {one.partner for one in found.mixup} == {"dog"}
    for one in found.mixup:
        blends = [one.share * own + (1 - one.share) * other for other in others.values()]
        assert min(np.abs(pixels(one.image) - blend).max() for blend in blends) < 0.51  # rounded once


def test_cutmix_keeps_the_share_of_pixels_that_the_label_says(pets):
    found = variations.of_image(pets, 0, 8, 3, STILL)
    own = pixels(found.original.image)
    kept = [(pixels(one.image) == own).all(2).mean() for one in found.cutmix]
    assert kept == pytest.approx([one.share for one in found.cutmix])
    assert len(set(kept)) > 1


def test_a_way_to_mix_has_the_strength_of_the_recipe_and_of_one_where_it_is_off():
    mixup, cutmix = variations.ways(AugmentConfig(mixup_alpha=0.2))
    assert (mixup.mixup_alpha, mixup.cutmix_alpha) == (0.2, 0)
    assert (cutmix.mixup_alpha, cutmix.cutmix_alpha) == (0, variations.SHOWN_ALPHA)


def test_partners_are_of_as_many_classes_as_there_are():
    found = variations.of_image("shapes", 0, 16, 3, STILL)
    partners = [one.partner for one in found.cutmix]
    assert len(set(partners)) == variations.NUM_PARTNERS
    assert found.original.class_name not in partners


def test_a_gray_model_sees_gray_images(pets):
    found = variations.of_image(pets, 0, 8, 1, STILL)
    assert {image.mode for image in (*found.draws, found.mixup[0].image)} == {"L"}
    assert np.array_equal(pixels(found.draws[0]), pixels(found.original.image.convert("L")))


def test_an_erased_rectangle_has_the_mean_color(pets):
    found = variations.of_image(pets, 0, 8, 3, AugmentConfig(flip="none", crop_padding=0, random_erasing=1.0))
    mean, _ = channel_statistics(load.load(pets, 8).train.images)
    changed = (pixels(found.draws[0]) != pixels(found.original.image)).all(2)
    assert changed.any()
    assert np.abs(pixels(found.draws[0])[changed] - (mean * 255).numpy()).max() < 0.51
