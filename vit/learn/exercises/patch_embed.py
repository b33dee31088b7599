"""PatchEmbed: the accepted forms, and typical mistakes as what they compute."""

from functools import partial

from torch import Tensor
from torch.nn import functional as F

from vit.learn.exercises.pairing import Form, Weights

CASES = (((4, 3, 10), (2, 3, 8, 12)), ((2, 1, 7), (3, 1, 6, 4)))  # arguments, and the shape of the input


def convolved(weights: Weights, images: Tensor, size: int, channels: int, dim: int, order: str = "chw") -> Tensor:
    """The reference, a strided convolution: (B, C, H, W) -> (B, D, H/P, W/P)."""
    weight, bias = weights["proj"]
    if order == "hwc":
        weight = weight.reshape(dim, size, size, channels).permute(0, 3, 1, 2)
    return F.conv2d(images, weight.reshape(dim, channels, size, size), bias, stride=size)


def embed(weights: Weights, images: Tensor, *arguments: int, order: str = "chw") -> Tensor:
    return convolved(weights, images, *arguments, order=order).flatten(2).transpose(1, 2)


def _layer(size: int, channels: int, dim: int) -> dict:
    return {"proj": (dim, channels, size, size)}


def _matrix(size: int, channels: int, dim: int) -> dict:
    return {"proj": (dim, channels * size * size)}


FORMS = [Form(_layer, embed), Form(_matrix, embed), Form(_matrix, partial(embed, order="hwc"))]


def _uncut(weights: Weights, images: Tensor, size: int, channels: int, dim: int) -> Tensor:
    """Memory cut into pieces as it lies, without a permutation."""
    weight, bias = weights["proj"]
    return F.linear(images.reshape(len(images), -1, channels * size * size), weight.reshape(dim, -1), bias)


def _dense(weights: Weights, images: Tensor, size: int, *arguments: int) -> Tensor:
    weight, bias = weights["proj"]
    return F.conv2d(images, weight, bias).flatten(2).transpose(1, 2)


def _turned(weights: Weights, images: Tensor, *arguments: int) -> Tensor:
    return embed(weights, images.transpose(2, 3), *arguments)


def _columns(tokens: Tensor) -> Tensor:
    return tokens.transpose(2, 3).flatten(2).transpose(1, 2)


def _reshaped(tokens: Tensor) -> Tensor:
    return tokens.reshape(len(tokens), -1, tokens.shape[1])


_READ = {  # mistakes in what is done with the grid of tokens, (B, D, H/P, W/P)
    "columns": (
        _columns,
        "The patches come column by column. They should come row by row: first along the width, then down.",
    ),
    "reshape": (
        _reshaped,
        "`reshape` or `view` to (B, N, D) mixes patches and channels: it only cuts the memory anew. Flatten the grid, "
        "then swap the axes with `transpose(1, 2)`.",
    ),
    "channels-first": (
        lambda tokens: tokens.flatten(2),
        "The shape is (B, D, N): the axes of patches and of channels are still to be swapped, with `transpose(1, 2)`.",
    ),
    "grid": (
        lambda tokens: tokens,
        "The tokens are still a grid, (B, D, H/P, W/P). Flatten its rows and columns to one axis, `flatten(2)`, and "
        "swap the axes.",
    ),
    "grid-last": (
        lambda tokens: tokens.permute(0, 2, 3, 1),
        "The tokens are still a grid, (B, H/P, W/P, D). Flatten its rows and columns to one axis of N patches.",
    ),
    "one-vector": (
        lambda tokens: tokens.flatten(1),
        "All tokens of an image became one long vector. `flatten(2)` keeps the axis of channels.",
    ),
    "mean": (
        lambda tokens: tokens.mean((2, 3)),
        "The patches are averaged. Each patch keeps its own token here; the average comes at the end of a model.",
    ),
    "activation": (
        lambda tokens: F.relu(tokens).flatten(2).transpose(1, 2),
        "There is a ReLU behind the projection. The embedding is linear: nothing follows it.",
    ),
    "gelu": (
        lambda tokens: F.gelu(tokens).flatten(2).transpose(1, 2),
        "There is a GELU behind the projection. The embedding is linear: nothing follows it.",
    ),
    "backwards": (
        lambda tokens: tokens.flatten(2).transpose(1, 2).flip(1),
        "The patches come from the last to the first. They should come row by row from the top left.",
    ),
}


def _mistakes(key: str) -> list[Form]:
    read, hint = _READ[key]

    def compute(weights: Weights, images: Tensor, *arguments: int, order: str) -> Tensor:
        return read(convolved(weights, images, *arguments, order=order))

    kinds = ((_layer, "chw"), (_matrix, "chw"), (_matrix, "hwc"))
    return [Form(shapes, partial(compute, order=order), key, hint) for shapes, order in kinds]


MISTAKES = [form for key in _READ for form in _mistakes(key)]
MISTAKES += [
    Form(
        _matrix,
        _uncut,
        "cut",
        "A patch here is a piece of memory: a few rows of one color. Reshape to (B, C, H/P, P, W/P, P) first, bring "
        "the axes of a patch together with `permute`, and only then flatten them.",
    ),
    Form(
        _layer,
        _dense,
        "stride",
        "The kernel moves by one pixel, so the patches overlap. `stride=patch_size` sets them side by side.",
    ),
    Form(
        _layer,
        _turned,
        "turned",
        "Height and width are swapped: the image is turned before it is cut. Images are (B, C, H, W).",
    ),
]
