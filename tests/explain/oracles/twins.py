"""The same weights in timm's and torchvision's models, behind our own way of making patches."""

from functools import partial

import timm
from torch import nn
from torchvision.models import VisionTransformer as TorchvisionTransformer

from vit.model import VisionTransformer

POOLS = {"cls": "token", "mean": "avg"}
LAYER_NORM = partial(nn.LayerNorm, eps=1e-6)


def timm_twin(model: VisionTransformer) -> nn.Module:
    """timm's model, with attention that can be read."""
    config = model.config
    twin = timm.models.VisionTransformer(
        img_size=config.image_size,
        patch_size=config.patch_size,
        in_chans=config.in_channels,
        num_classes=config.num_classes,
        embed_dim=config.embed_dim,
        depth=config.depth,
        num_heads=config.num_heads,
        mlp_ratio=config.mlp_ratio,
        class_token=config.pool == "cls",
        global_pool=POOLS[config.pool],
        reg_tokens=config.reg_tokens,
    )
    twin.patch_embed = model.patch_embed
    twin.load_state_dict(model.state_dict(), strict=True)
    for block in twin.blocks:
        block.attn.fused_attn = False
    return twin.to(next(model.parameters()).dtype).eval()


def torchvision_twin(model: VisionTransformer) -> nn.Module:
    """torchvision's model; it knows class tokens only, and no registers."""
    config = model.config
    sizes = (config.image_size, config.patch_size, config.depth, config.num_heads, config.embed_dim, config.mlp_dim)
    twin = TorchvisionTransformer(*sizes, num_classes=config.num_classes, norm_layer=LAYER_NORM)
    missing, unknown = twin.load_state_dict(dict(torchvision_weights(model)), strict=False)
    assert (missing, unknown) == (["conv_proj.weight", "conv_proj.bias"], [])
    twin._process_input = model.patch_embed.forward
    return twin.to(next(model.parameters()).dtype).eval()


def torchvision_weights(model: VisionTransformer):
    """Our weights under torchvision's names, but for the patch projection."""
    ours = model.state_dict()
    yield "class_token", ours["cls_token"]
    yield "encoder.pos_embedding", ours["pos_embed"]
    names = {"attn.proj": "self_attention.out_proj", "norm1": "ln_1", "norm2": "ln_2"}
    names |= {"mlp.fc1": "mlp.0", "mlp.fc2": "mlp.3"}
    for kind in ("weight", "bias"):
        yield f"encoder.ln.{kind}", ours[f"norm.{kind}"]
        yield f"heads.head.{kind}", ours[f"head.{kind}"]
        for layer in range(model.config.depth):
            prefix = f"encoder.layers.encoder_layer_{layer}"
            yield f"{prefix}.self_attention.in_proj_{kind}", ours[f"blocks.{layer}.attn.qkv.{kind}"]
            for name, theirs in names.items():
                yield f"{prefix}.{theirs}.{kind}", ours[f"blocks.{layer}.{name}.{kind}"]
