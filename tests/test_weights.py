"""Weights of timm become a checkpoint that answers as timm does, or one that says what did not fit."""

import io

import pytest
import safetensors.torch
import timm
import torch
from builders import saved_checkpoint, vision_transformer

from vit import checkpoint
from vit.errors import CheckpointError
from vit.export.timm import to_timm
from vit.weights import adopt, adopt_file

SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 128, "depth": 2, "num_heads": 2, "num_classes": 5}


@pytest.fixture(autouse=True)
def own_home(home):
    """Taken over weights are kept in the home."""


def theirs(**more) -> torch.nn.Module:
    """A model of timm with weights as large as after training."""
    model = timm.models.VisionTransformer(**SMALL, **more).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(std=0.1, generator=generator)
            if "norm" in name and name.endswith("weight"):
                weight.add_(1)
    return model


def saved(model: torch.nn.Module) -> bytes:
    return safetensors.torch.save({name: tensor.contiguous() for name, tensor in model.state_dict().items()})


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"class_token": False, "global_pool": "avg"},
        {"reg_tokens": 3},
        {"reg_tokens": 2, "no_embed_class": True},
        {"init_values": 0.1},
        {"qkv_bias": False, "mlp_ratio": 3.3},
    ],
    ids=str,
)
def test_the_logits_are_timms_where_nothing_has_to_be_adapted(more):
    model, images = theirs(**more), torch.randn(3, 3, 32, 32)
    adopted = adopt("vit.safetensors", saved(model))
    ours = checkpoint.load_model(adopted.path)
    torch.testing.assert_close(ours(images), model(images), atol=1e-5, rtol=1e-5)
    assert [note for note in adopted.notes if "num_heads" not in note] == []


@pytest.mark.parametrize(
    "wrap", [lambda weights: weights, lambda weights: {"model": weights, "epoch": 3}], ids=range(2)
)
def test_a_file_of_torch_is_read_too(wrap):
    model, buffer = theirs(), io.BytesIO()
    torch.save(wrap(model.state_dict()), buffer)
    images = torch.randn(2, 3, 32, 32)
    ours = checkpoint.load_model(adopt("Vit Tiny.pt", buffer.getvalue()).path)
    torch.testing.assert_close(ours(images), model(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pos_embed", ["learned", "rope", "none"])
def test_an_export_comes_back_with_its_classes_heads_and_positions(tmp_path, pos_embed):
    model = vision_transformer(pool="cls", pos_embed=pos_embed)
    to_timm(saved_checkpoint(tmp_path / "a.safetensors", model), tmp_path / "out.safetensors")
    adopted = adopt_file(tmp_path / "out.safetensors")
    network, info = checkpoint.load_with_info(adopted.path)
    assert (network.config, info.classes, adopted.notes) == (model.config, ("cat", "dog", "ship"), ())
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in network.state_dict().items())


def test_what_does_not_fit_is_named():
    weights = theirs(class_token=True, global_pool="avg", qk_norm=True).state_dict()
    del weights["head.weight"], weights["head.bias"]
    notes = "; ".join(adopt("vit.safetensors", safetensors.torch.save(weights)).notes)
    assert "new, because the file has none that fit: head.bias, head.weight" in notes
    assert "left out: blocks.*.attn.k_norm.bias, blocks.*.attn.k_norm.weight, blocks.*.attn.q_norm.bias, " in notes
    assert "cls_token" in notes
    assert "num_heads is taken to be 2, 64 numbers each" in notes


class Harmful:
    """What a pickle could run."""

    def __reduce__(self):
        return print, ("never",)


def written(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.safetensors", b"", "no weights that can be read"),
        ("a.safetensors", b"\xff" * 100, "no weights that can be read"),
        ("a.pt", b"not a file of torch", "no weights that can be read"),
        ("a.pt", written({"x": Harmful()}), "no weights that can be read"),
        ("a.pt", written({"x": torch.zeros(3), "epoch": 3}), "not a state dict"),
        ("a.pt", written([torch.zeros(3)]), "not a state dict"),
        ("a.pt", written({"layer1.conv.weight": torch.zeros(3, 3)}), "not the weights of a ViT with timm's names"),
        ("a.pt", written(theirs().state_dict() | {"pos_embed": torch.zeros(1, 12, 128)}), "12 positions are not"),
        ("a.pt", written(theirs().state_dict() | {"norm.bias": torch.full((128,), float("nan"))}), "not finite"),
        ("a.pt", written({"cls_token": torch.eye(2).to_sparse()}), "sparse or complex"),
    ],
    ids=range(10),
)
def test_what_is_no_vision_transformer_is_refused_in_a_sentence(name, content, message, capsys):
    with pytest.raises(CheckpointError, match=message):
        adopt(name, content)
    assert "never" not in capsys.readouterr().out
