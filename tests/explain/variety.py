"""Models of every kind that explanations have to cope with."""

from builders import random_inputs, vision_transformer

CONFIGS = {
    "mean": {},
    "class token": {"pool": "cls"},
    "class token and registers": {"pool": "cls", "reg_tokens": 3, "depth": 3, "num_heads": 4},
    "mean and registers, sine-cosine": {"reg_tokens": 2, "pos_embed": "sincos2d"},
    "no positions, one head, 3 x 3": {"image_size": 9, "patch_size": 3, "pos_embed": "none", "num_heads": 1},
    "class token and register, rotary": {"pool": "cls", "reg_tokens": 1, "pos_embed": "rope"},
    "gray, stem": {"patch_size": 4, "stem": "resnet", "in_channels": 1},
    "one patch, class token": {"patch_size": 8, "pool": "cls"},
    "one patch, mean": {"patch_size": 8, "num_heads": 1, "depth": 1},
}


def model_and_images(name: str, count: int = 2):
    """A model of that kind and inputs for it, in float64 so that equal means equal."""
    model = vision_transformer(**CONFIGS[name]).double()
    return model, random_inputs(model, count).double()
