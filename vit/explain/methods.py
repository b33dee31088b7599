"""Every method that makes a map, by name, and what each can't tell."""

from collections.abc import Callable
from dataclasses import dataclass

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
    """One way to make a map.

    Attributes:
        name: As on the command line.
        title: As on a card.
        is_signed: Whether values below 0 mean something: that a patch speaks against the target.
        is_class_specific: Whether another target makes another map.
        unit: What the values are in, as it follows a number; empty where only their order means something.
        cost: In words.
        blind_spot: What it can't tell, one line.
        compute: (model, inputs, target) -> (B, g, g), raw.
        is_control: Whether it knows nothing of the model, and is there to be beaten.
    """

    name: str
    title: str
    is_signed: bool
    is_class_specific: bool
    unit: str
    cost: str
    blind_spot: str
    compute: Compute
    is_control: bool = False


def explain(method: str, model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """The map of a method for each image, raw values: (B, g, g).

    Args:
        method: One of ``METHODS``.
        model: In eval mode.
        inputs: Normalized images (B, C, H, W) on the model's device.
        target: A class, a ``Contrast``, or a tensor (B,) of classes.

    Raises:
        VitError: If there is no such method or class, the model or inputs aren't fit, or the model's answer, and with
            it any map, isn't a number.
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


def _attention(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    return attention_map(trace(model, inputs), model.config.depth - 1)


def _rollout(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    seen = trace(model, inputs)
    return patch_map(rollout(seen.attention), seen)


def _relevance(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """Without the identity that the rule starts from: where patches are averaged, it is the same pale share of each."""
    gained = gradients.relevance(model, inputs, target) - torch.eye(model.config.num_tokens).to(inputs)
    return patch_map(gained, trace(model, inputs))


def _saliency(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    return per_patch(model, gradients.saliency(model, inputs, target))


def _input_x_gradient(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    return per_patch(model, gradients.input_x_gradient(model, inputs, target))


def _integrated_gradients(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    return per_patch(model, gradients.integrated_gradients(model, inputs, target))


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


_ATTENTION, _LOGITS = " of attention", " logits"
_BACKWARD = "1 forward and 1 backward pass"
_ALL = [
    Method(
        "attention",
        "Attention, last layer",
        False,
        False,
        _ATTENTION,
        "1 forward pass",
        "Where the last layer looks, not what it makes of it; patches hold mixtures by then. Alike for every class.",
        _attention,
    ),
    Method(
        "rollout",
        "Attention rollout",
        False,
        False,
        _ATTENTION,
        "1 forward pass",
        "Where information could have come from, not whether it counted for or against. Alike for every class.",
        _rollout,
    ),
    Method(
        "relevance",
        "Relevance (Chefer)",
        False,
        True,
        "",
        _BACKWARD,
        "Keeps what speaks for the class only: evidence against it doesn't show. Leaves the MLPs out.",
        _relevance,
    ),
    Method(
        "gradcam",
        "Grad-CAM",
        False,
        True,
        "",
        _BACKWARD,
        "Reads the last layer's input, whose tokens have mixed already; one weight per channel for the whole image.",
        gradients.gradcam,
    ),
    Method(
        "legrad",
        "LeGrad",
        False,
        True,
        "",
        "1 forward pass and 1 short backward pass per layer",
        "Asks the head about layers that it was never trained to read, and keeps what speaks for the class only.",
        gradients.legrad,
    ),
    Method(
        "saliency",
        "Saliency",
        False,
        True,
        _LOGITS,
        _BACKWARD,
        "Where a tiny change would matter most, not what the answer rests on; noisy, and without a sign.",
        _saliency,
    ),
    Method(
        "input_x_gradient",
        "Input x gradient",
        True,
        True,
        _LOGITS,
        _BACKWARD,
        "Takes the model for a straight line through this image; colors near the data's mean get nothing.",
        _input_x_gradient,
    ),
    Method(
        "integrated_gradients",
        "Integrated gradients",
        True,
        True,
        _LOGITS,
        "24 forward and backward passes",
        "Compares with an image of the data's mean color: patches of that color get nothing, however telling.",
        _integrated_gradients,
    ),
    Method(
        "occlusion",
        "Occlusion",
        True,
        True,
        _LOGITS,
        "1 forward pass per patch",
        "Takes away one patch at a time: what two patches both show, it finds in neither.",
        perturbation.occlusion,
    ),
    Method(
        "rise",
        "RISE",
        True,
        True,
        _LOGITS,
        "256 forward passes",
        "Averages over random halves of the image: blurs what only counts together, and keeps some noise.",
        perturbation.rise,
    ),
    Method(
        "random",
        "Random (control)",
        False,
        False,
        "",
        "nothing",
        "Knows nothing at all: a map that scores no better than this one explains nothing.",
        random_map,
        True,
    ),
    Method(
        "edges",
        "Edges (control)",
        False,
        False,
        "",
        "nothing",
        "Knows the image but not the model: a map that looks like this one may be an edge detector.",
        edges,
        True,
    ),
]
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
