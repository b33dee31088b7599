"""Starting from a trained model keeps what fits, resizes what can be resized, and lists all of it."""

import pytest
import torch
from torch.nn import functional as F

from tests.builders import CLASSES, saved_checkpoint, vision_transformer
from vit import checkpoint
from vit.config import ModelConfig
from vit.errors import CheckpointError
from vit.model import VisionTransformer
from vit.training.initialization import TransferReport, resize_patches, start_from


@pytest.fixture
def trained(tmp_path):
    return vision_transformer(pool="cls"), str(
        saved_checkpoint(tmp_path / "m.safetensors", vision_transformer(pool="cls"))
    )


def started(trained, classes=CLASSES, **changes):
    source, path = trained
    network = VisionTransformer(source.config.model_copy(update=changes)).eval()
    return network, start_from(network, path, classes)


def test_the_same_shape_and_classes_load_everything(trained):
    network, report = started(trained)
    assert (report.resized, report.new) == ([], [])
    assert all(torch.equal(tensor, trained[0].state_dict()[name]) for name, tensor in network.state_dict().items())


def test_other_classes_get_a_new_head_and_keep_the_rest(trained):
    network, report = started(trained, classes=("a", "b"), num_classes=2)
    assert report.new == ["head.weight", "head.bias"]
    assert report.resized == []


def test_the_same_number_of_other_classes_gets_a_new_head_too(trained):
    assert started(trained, classes=("cat", "dog", "plane"))[1].new == ["head.weight", "head.bias"]


def test_a_larger_image_resizes_the_positions_and_keeps_the_class_tokens_own(trained):
    network, report = started(trained, image_size=12)
    assert report.resized == ["pos_embed 4x4 to 6x6"]
    assert network.pos_embed.shape == (1, 37, 16)
    assert torch.equal(network.pos_embed[:, 0], trained[0].pos_embed[:, 0])


def test_positions_resize_as_timm_does(trained):
    timm = pytest.importorskip("timm")
    network, _ = started(trained, image_size=12)
    reference = timm.layers.resample_abs_pos_embed(trained[0].pos_embed, (6, 6), num_prefix_tokens=1)
    torch.testing.assert_close(network.pos_embed, reference)


def test_a_larger_patch_resizes_kernels_and_positions_and_keeps_the_rest(trained):
    network, report = started(trained, patch_size=4)
    own, old = network.state_dict(), trained[0].state_dict()
    assert report.resized == ["pos_embed 4x4 to 2x2", "patch_embed.proj.weight 2 px to 4 px"]
    assert report.new == []
    torch.testing.assert_close(own["patch_embed.proj.weight"], resize_patches(old["patch_embed.proj.weight"], 4))
    assert all(torch.equal(own[name], old[name]) for name in report.loaded)
    assert len(report.loaded) + 2 == len(own)


def test_a_class_token_or_registers_more_keep_the_positions_of_the_patches(trained):
    network, report = started(trained, reg_tokens=2)
    positions, old = network.pos_embed, trained[0].pos_embed
    assert report.resized == ["pos_embed 4x4 to 4x4"]
    assert report.new == ["reg_token"]
    torch.testing.assert_close(positions[:, [0, *range(3, 19)]], old)
    assert positions[:, 1:3].abs().max() == 0


def test_patch_kernels_resize_as_timm_does(trained):
    timm = pytest.importorskip("timm")
    kernels = trained[0].patch_embed.proj.weight.detach()
    reference = timm.layers.patch_embed.resample_patch_embed(kernels, [4, 4], interpolation="bilinear", antialias=True)
    torch.testing.assert_close(resize_patches(kernels, 4), reference, atol=1e-5, rtol=1e-4)


def test_a_image_scaled_up_with_its_kernels_gives_the_same_tokens():
    """The invariant that the pseudo-inverse is for (FlexiViT, section 3.4)."""
    torch.manual_seed(0)
    kernels, image = torch.randn(5, 3, 4, 4), torch.randn(1, 3, 4, 4)
    larger = F.interpolate(image, size=(8, 8), mode="bilinear", antialias=True, align_corners=False)
    tokens, resized = (kernels * image).sum((1, 2, 3)), (resize_patches(kernels, 8) * larger).sum((1, 2, 3))
    torch.testing.assert_close(tokens, resized, atol=1e-4, rtol=1e-4)


def test_an_encoder_of_another_shape_is_refused_with_every_difference(trained):
    with pytest.raises(CheckpointError, match=r"embed_dim is 16 there and 32 here; depth is 2 there and 3 here"):
        started(trained, embed_dim=32, depth=3)


@pytest.mark.parametrize(
    "other", [{"qkv_bias": False}, {"mlp_ratio": 3.0}, {"num_heads": 4}, {"in_channels": 1}], ids=str
)
def test_no_part_of_the_encoder_may_differ(trained, other):
    with pytest.raises(CheckpointError, match=f"{next(iter(other))} is "):
        started(trained, **other)


def test_starting_keeps_the_checkpoints_answers(trained):
    network, _ = started(trained)
    images = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(network(images), checkpoint.load_with_info(trained[1])[0](images))


def test_tiny_builder_matches_the_config():
    assert vision_transformer(pool="cls").config == ModelConfig(
        **{**vision_transformer().config.model_dump(), "pool": "cls"}
    )


def test_a_report_counts_what_was_loaded_and_names_the_rest():
    assert str(TransferReport(["a", "b"])) == "2 tensors loaded"
    report = TransferReport(["a"], ["pos_embed 4x4 to 6x6"], ["head.weight", "head.bias"])
    assert str(report) == "1 tensors loaded; resized: pos_embed 4x4 to 6x6; new: head.weight, head.bias"
