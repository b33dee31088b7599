"""Every method that makes a map, by name, and what each can't tell."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from vit.errors import VitError
from vit.explain import gradients, perturbation
from vit.explain.attention import attention_map, patch_map, rollout
from vit.explain.gradients import per_patch
from vit.explain.target import Target, logit
from vit.explain.trace import trace
from vit.model import VisionTransformer

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601

Compute = Callable[[VisionTransformer, Tensor, Target], Tensor]


@dataclass(frozen=True)
class Method:
    """One way to make a map."""

    name: str  # as on the command line
    title: str  # as on a card
    blind_spot: str  # what it can't tell, one line
    compute: Compute  # (model, inputs, target) -> (B, g, g), raw
    cost: str  # in words
    unit: str = ""  # what the values are in, as it follows a number; empty where only their order means something
    is_signed: bool = False  # whether values below 0 mean something: that a patch speaks against the target
    is_class_specific: bool = True  # whether another target makes another map
    is_sum: bool = False  # whether the values should add up to the change from an image of the data's mean color
    is_control: bool = False  # whether it knows nothing of the model, and is there to be beaten


def explain(method: str, model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """The map of a method for each image, raw values: (B, g, g).

    Args:
        method: One of ``METHODS``.
        model: In eval mode.
        inputs: Normalized images (B, C, H, W) on the model's device.
        target: A class, a ``Contrast``, or a tensor (B,) of classes.

    Raises:
        VitError: If there is no such method or class, the model or inputs aren't fit, or its answer isn't a number.
    """
    compute = find(method).compute
    logit(trace(model, inputs).logits, target)  # refuses what must get no map, also where the method wouldn't notice
    return compute(model, inputs, target).detach()


def find(method: str) -> Method:
    """A method by its name.

    Raises:
        VitError: If there is no such method; the message lists those there are.
    """
    if method not in METHODS:
        raise VitError(f"there is no method {method!r}; use {', '.join(METHODS)}")
    return METHODS[method]


def _rollout(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    seen = trace(model, inputs)
    return patch_map(rollout(seen.attention), seen)


def _relevance(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """Without the identity that the rule starts from: where patches are averaged, it is the same pale share of each."""
    gained = gradients.relevance(model, inputs, target) - torch.eye(model.config.num_tokens).to(inputs)
    return patch_map(gained, trace(model, inputs))


def _summed(pixels: Compute) -> Compute:
    """A method whose values are pixels' (B, C, H, W), summed within each patch."""
    return lambda model, inputs, target: per_patch(model, pixels(model, inputs, target))


def random_map(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """Uniform noise in [0, 1), different for each image: (B, g, g)."""
    shape = (len(inputs), model.config.grid_size, model.config.grid_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(inputs)


def edges(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """How strong edges are in each patch, by Sobel's filter on brightness: (B, g, g).

    A map that looks like this may be no more than an edge detector (Adebayo et al. 2018, arXiv:1810.03292).
    """
    weights = torch.tensor(LUMA if inputs.shape[1] == 3 else (1.0,)).to(inputs)
    gray = F.pad((inputs * weights.view(1, -1, 1, 1)).sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]).to(inputs)
    gradient = F.conv2d(gray, torch.stack([sobel, sobel.T])[:, None])  # (B, 2, H, W)
    return per_patch(model, gradient.norm(dim=1, keepdim=True))


_BACKWARD = "1 forward and 1 backward pass"
_from_attention = partial(Method, unit=" of attention", cost="1 forward pass", is_class_specific=False)
_signed = partial(Method, unit=" logits", is_signed=True)
_control = partial(Method, cost="nothing", is_class_specific=False, is_control=True)
_ALL = [
    _from_attention(
        "attention",
        "Attention, last layer",
        "Where the last layer looks, not what it makes of it; patches hold mixtures by then. Alike for every class.",
        lambda model, inputs, target: attention_map(trace(model, inputs), model.config.depth - 1),
    ),
    _from_attention(
        "rollout",
        "Attention rollout",
        "Where information could have come from, not whether it counted for or against. Alike for every class.",
        _rollout,
    ),
    Method(
        "relevance",
        "Relevance (Chefer)",
        "Keeps what speaks for the class only: evidence against it doesn't show. Leaves the MLPs out.",
        _relevance,
        _BACKWARD,
    ),
    Method(
        "gradcam",
        "Grad-CAM",
        "Reads the last layer's input, whose tokens have mixed already; one weight per channel for the whole image.",
        gradients.gradcam,
        _BACKWARD,
    ),
    Method(
        "legrad",
        "LeGrad",
        "Asks the head about layers that it was never trained to read, and keeps what speaks for the class only.",
        gradients.legrad,
        "1 forward pass and 1 short backward pass per layer",
    ),
    Method(
        "saliency",
        "Saliency",
        "Where a tiny change would matter most, not what the answer rests on; noisy, and without a sign.",
        _summed(gradients.saliency),
        _BACKWARD,
        " logits/std",
    ),
    _signed(
        "input_x_gradient",
        "Input x gradient",
        "Takes the model for a straight line through this image; colors near the data's mean get nothing.",
        _summed(gradients.input_x_gradient),
        _BACKWARD,
        is_sum=True,
    ),
    _signed(
        "integrated_gradients",
        "Integrated gradients",
        "Compares with an image of the data's mean color: patches of that color get nothing, however telling.",
        _summed(gradients.integrated_gradients),
        "48 or 176 forward and backward passes",
        is_sum=True,
    ),
    _signed(
        "occlusion",
        "Occlusion",
        "Takes away one patch at a time: what two patches both show, it finds in neither.",
        perturbation.occlusion,
        "1 forward pass per patch",
    ),
    _signed(
        "rise",
        "RISE",
        "Averages over random halves of the image: blurs what only counts together, and keeps some noise.",
        perturbation.rise,
        "256 forward passes",
    ),
    _control(
        "random",
        "Random (control)",
        "Knows nothing at all: a map that scores no better than this one explains nothing.",
        random_map,
    ),
    _control(
        "edges",
        "Edges (control)",
        "Knows the image but not the model: a map that looks like this one may be an edge detector.",
        edges,
    ),
]
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
