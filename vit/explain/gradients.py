"""Maps from gradients of the target's logit. They say what a small change would do, where the model stands now.

Gradients are taken with ``torch.autograd.grad`` of plain tensors: no ``.backward()``, nothing in ``.grad``, no hook.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from vit.explain.target import Target, logit
from vit.explain.trace import Step, check_index, check_ready, read_out, walk
from vit.model import VisionTransformer

STEPS_AT_A_TIME = 24  # of the path from baseline to image; bounds memory
STEPS = 48, 128  # along that path, tried in turn
TOLERANCE, ENOUGH = 0.01, 0.005  # gaps that nobody can see: a share of the change, and logits
BEND = 0.003  # contrast below which steps lie evenly, and above it by equal factors


def relevance(model: VisionTransformer, inputs: Tensor, target: Target, start_layer: int = 0) -> Tensor:
    """Gradient-weighted relevance (Chefer et al. 2021, arXiv:2103.15679, the rule for self-attention).

    R <- I, then R <- R + mean over heads of relu(A * dA) @ R, layer by layer.

    Args:
        start_layer: First layer that counts; the authors start later where early layers drown the image.

    Returns:
        (B, N, N); ``attention.patch_map`` turns it into an image's map.

    Raises:
        VitError: If there is no such layer.
    """
    check_index("layer", start_layer, model.config.depth)
    steps, score = _open_pass(model, inputs, target)
    attention = [step.attention for step in steps[start_layer:]]
    gradients = torch.autograd.grad(score, attention)
    result = torch.eye(model.config.num_tokens, dtype=inputs.dtype, device=inputs.device).expand(len(inputs), -1, -1)
    for weights, gradient in zip(attention, gradients, strict=True):
        result = result + (gradient * weights.detach()).relu().mean(1) @ result
    return result


def legrad(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """LeGrad (Bousselham et al. 2024, arXiv:2404.03214): (B, g, g), mean over layers.

    Each layer's tokens are averaged and given to the head; the map is relu of that logit's gradient with regard to the
    layer's attention, averaged over heads and queries. All tokens are averaged, whatever the model itself pools.
    """
    steps, _ = _open_pass(model, inputs, target)
    maps = []
    for step in steps:
        with _gradients(step.tokens):
            score = logit(model.head(model.fc_norm(model.norm(step.tokens.mean(1)))), target).sum()
        (gradient,) = torch.autograd.grad(score, step.attention, retain_graph=True)
        maps.append(on_grid(model, gradient.relu().mean((1, 2))))
    return torch.stack(maps).mean(0)


def gradcam(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """Grad-CAM (Selvaraju et al. 2016, arXiv:1610.02391) on the tokens that the last block's attention reads.

    Each channel of ``blocks[-1].norm1`` is weighted by the mean of its gradients over the patches: (B, g, g), at
    least 0. One layer later the patches of a class-token model have no gradient, and the map would be blank.
    """
    steps, score = _open_pass(model, inputs, target)
    tokens = steps[-1].normed
    (gradient,) = torch.autograd.grad(score, tokens)
    weights = gradient[:, model.config.num_prefix_tokens :].mean(1, keepdim=True)  # (B, 1, D)
    return on_grid(model, (weights * tokens.detach()).sum(-1)).relu()


def saliency(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """|df / dx| of every pixel and channel (Simonyan et al. 2013, arXiv:1312.6034): (B, C, H, W)."""
    return _input_gradient(model, inputs, target).abs()


def input_x_gradient(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """x * df / dx of every pixel and channel (Shrikumar et al. 2016, arXiv:1605.01713): (B, C, H, W)."""
    return inputs * _input_gradient(model, inputs, target)


def integrated_gradients(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365), from the mean image to this one.

    The baseline is 0 in normalized space, the training data's mean color. The integral is a Gauss-Legendre sum that
    takes more ``STEPS`` where (B, C, H, W) doesn't add up to f(x) - f(baseline), but for ``TOLERANCE`` of it or
    ``ENOUGH``. What is still missing then, ``change_from_mean`` tells.
    """
    targets = target if isinstance(target, Tensor) else [target] * len(inputs)
    return torch.cat([_complete(model, *pair) for pair in zip(inputs.split(1), targets, strict=True)])


def _complete(model: VisionTransformer, image: Tensor, target: Target) -> Tensor:
    """The integral for one image, with as many steps as it takes, or the most there are."""
    change = float(change_from_mean(model, image, target))
    allowed = max(TOLERANCE * abs(change), ENOUGH)
    pixels = _along_the_path(model, image, target, STEPS[0])
    for steps in STEPS[1:]:
        if abs(float(pixels.sum()) - change) > allowed:
            pixels = _along_the_path(model, image, target, steps)
    return pixels


def _along_the_path(model: VisionTransformer, image: Tensor, target: Target, steps: int) -> Tensor:
    """The integral for one image (1, C, H, W), with alpha = ``BEND`` * sinh(u), and u in equal measure.

    A stem that normalizes its channels answers alike for all but the faintest images, so all of the change is near 0.
    """
    places, weights = (torch.from_numpy(found) for found in np.polynomial.legendre.leggauss(steps))  # on [-1, 1]
    end = math.asinh(1 / BEND)
    u = (1 + places) / 2 * end
    alphas, weights = BEND * u.sinh(), weights / 2 * end * BEND * u.cosh()
    parts = (image * alphas.to(image).view(-1, 1, 1, 1)).split(STEPS_AT_A_TIME)
    gradients = torch.cat([_input_gradient(model, part, target) for part in parts])
    return image * torch.tensordot(weights.to(image), gradients, 1)


def change_from_mean(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    """f(x) - f(baseline), from the training data's mean color to the image, in logits: (B,).

    Integrated gradients add up to it; input x gradient would, were the model a straight line.
    """
    check_ready(model, inputs)
    with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
        return logit(model(inputs), target) - logit(model(torch.zeros_like(inputs)), target)


def per_patch(model: VisionTransformer, pixels: Tensor) -> Tensor:
    """Sums of pixels and channels within each patch: (B, C, H, W) -> (B, g, g)."""
    side = model.config.patch_size
    return pixels.sum(1).unflatten(2, (-1, side)).unflatten(1, (-1, side)).sum((2, 4))


def on_grid(model: VisionTransformer, tokens: Tensor) -> Tensor:
    """One number per token as a map of the patches: (B, N) -> (B, g, g)."""
    return tokens[:, model.config.num_prefix_tokens :].unflatten(1, (model.config.grid_size, model.config.grid_size))


def _open_pass(model: VisionTransformer, inputs: Tensor, target: Target) -> tuple[list[Step], Tensor]:
    """A pass whose attention and tokens have gradients, and the sum of all images' target logits."""
    check_ready(model, inputs)
    with _gradients(inputs):
        tokens = model.embed(inputs.clone()).detach().requires_grad_()
        steps = list(walk(model, tokens))
        return steps, logit(read_out(model, steps[-1].tokens), target).sum()


def _input_gradient(model: VisionTransformer, inputs: Tensor, target: Target) -> Tensor:
    check_ready(model, inputs)
    with _gradients(inputs):
        pixels = inputs.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(logit(model(pixels), target).sum(), pixels)
    return gradient


@contextmanager
def _gradients(like: Tensor) -> Iterator[None]:
    """Gradients on, whatever the caller has switched off, and no autocast."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(like.device.type, enabled=False):
        yield
