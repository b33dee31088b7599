"""What a pupil learns from: the label of an image and a teacher's answer to it."""

import pytest
import torch
from torch.nn import functional as F

from bench.taught import Taught, check_teacher
from tests.training.conftest import run_training, tiny_config
from vit import checkpoint
from vit.errors import CheckpointError


@pytest.fixture
def teacher(home, data):
    run, *_ = run_training(tiny_config(), data, "teacher")
    return checkpoint.load_with_info(run.checkpoint_path("last"))


@pytest.mark.parametrize("mixing", [{}, {"augment__mixup_alpha": 0.4}])
def test_targets_are_half_the_label_and_half_what_the_teacher_says_of_the_same_image(data, teacher, mixing):
    config, (network, _) = tiny_config(**mixing), teacher
    images, targets, labels = Taught(**vars(data), teacher=network, precision="fp32").batch(3, config)
    same_images, own, same_labels = data.batch(3, config)
    assert torch.equal(images, same_images)
    assert torch.equal(labels, same_labels)
    own = own if mixing else F.one_hot(own, 3)
    with torch.no_grad():
        assert targets == pytest.approx((own + network(images).softmax(1)) / 2, abs=1e-6)
    assert not targets.requires_grad


@pytest.mark.parametrize("other", [{"train__seed": 1}, {"data__val_size": 15}])
def test_a_teacher_that_may_have_seen_the_pupils_validation_images_is_refused(data, teacher, other):
    check_teacher(tiny_config(), data, teacher[1])
    with pytest.raises(CheckpointError, match="another data set, val_size or seed"):
        check_teacher(tiny_config(**other), data, teacher[1])
