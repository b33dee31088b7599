"""Parts that are switched off or left out are gone, exactly as if they had never been there."""

import pytest
import torch
from builders import random_inputs, vision_transformer
from variety import CONFIGS, model_and_images

from vit.errors import VitError
from vit.explain.ablation import ablate
from vit.explain.trace import Changes, answer, trace


def without_tokens(model, inputs, kept):
    """The model on a sequence from which patches have been removed by hand; the same ones for every image."""
    tokens, prefix = model.embed(inputs), model.config.num_prefix_tokens
    places = [*range(prefix), *(prefix + patch for patch in kept)]
    x, rotation = tokens[:, places], None if model.rotation is None else model.rotation[places]
    for block in model.blocks:
        x = block(x, rotation=rotation)
    x = model.norm(x)
    pooled = x[:, 0] if model.config.pool == "cls" else x[:, prefix:].mean(1)
    return model.head(model.fc_norm(pooled))


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_dropped_token_is_as_if_removed_from_the_sequence(name, share):
    model, inputs = model_and_images(name)
    patches, prefix = model.config.num_patches, model.config.num_prefix_tokens
    kept = list(range(patches))[: max(1, int(share * patches))]
    mask = torch.zeros(2, model.config.num_tokens, dtype=torch.bool)
    mask[:, :prefix] = True
    mask[:, [prefix + patch for patch in kept]] = True
    found = ablate(model, inputs, Changes(key_mask=mask))
    assert torch.allclose(found, without_tokens(model, inputs, kept), atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
def test_with_everything_kept_and_at_full_scale_nothing_changes(name):
    model, inputs = model_and_images(name)
    config = model.config
    changes = Changes(
        head_scale=torch.ones(1, config.depth, config.num_heads),
        block_scale=torch.ones(2, config.depth, 2),
        key_mask=torch.ones(2, config.num_tokens, dtype=torch.bool),
    )
    assert torch.allclose(ablate(model, inputs, changes), model(inputs), atol=1e-12)


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_a_head_at_zero_is_a_head_whose_projection_is_zero(pool):
    model, inputs = model_and_images("class token" if pool == "cls" else "mean")
    scale = torch.ones(1, 2, 2)
    scale[0, 1, 0] = 0
    found = ablate(model, inputs, Changes(head_scale=scale))
    with torch.no_grad():
        model.blocks[1].attn.proj.weight[:, : model.config.head_dim] = 0
    assert torch.allclose(found, model(inputs), atol=1e-12)


def test_each_image_of_a_batch_has_its_own_heads_switched_off():
    model, inputs = model_and_images("class token")
    scale = torch.rand(2, 2, 2, generator=torch.Generator().manual_seed(0))
    together = ablate(model, inputs, Changes(head_scale=scale))
    alone = [ablate(model, inputs[i : i + 1], Changes(head_scale=scale[i : i + 1])) for i in range(2)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-12)


def test_with_every_block_off_the_head_reads_the_embedding():
    model, inputs = model_and_images("class token")
    found = ablate(model, inputs, Changes(block_scale=torch.zeros(1, 2, 2)))
    assert torch.allclose(found, model.forward_head(model.norm(model.embed(inputs))), atol=1e-12)


def test_a_mean_of_no_patches_is_what_the_biases_say():
    model, inputs = model_and_images("mean and registers, sine-cosine")
    mask = torch.zeros(2, model.config.num_tokens, dtype=torch.bool)
    found = ablate(model, inputs, Changes(key_mask=mask))
    biases = model.head(model.fc_norm.bias)
    assert torch.allclose(found, biases.expand_as(found), atol=1e-12)


def test_going_on_from_a_kept_residual_reaches_the_same_answer():
    model, inputs = model_and_images("class token and registers")
    seen = trace(model, inputs)
    for layer in range(4):
        assert torch.allclose(answer(model, seen.residuals[layer], first=layer), seen.logits, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 3, 8, 10), (1, 3, 10, 10), (0, 3, 8, 8)])
def test_inputs_of_another_shape_are_refused_with_both_shapes(shape):
    with pytest.raises(VitError, match=r"this model sees \(B, 3, 8, 8\)"):
        trace(vision_transformer(pos_embed="none"), torch.zeros(shape))


def test_low_precision_around_an_explanation_changes_nothing():
    model = vision_transformer()
    inputs = random_inputs(model)
    changes = Changes(key_mask=torch.ones(3, 16, dtype=torch.bool))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, changed = trace(model, inputs), ablate(model, inputs, changes)
    assert inside.logits.dtype is changed.dtype is torch.float32
    assert torch.equal(inside.logits, trace(model, inputs).logits)
    assert torch.equal(changed, ablate(model, inputs, changes))
