"""Gradient methods against captum, grad-cam and torchcam."""

from copy import deepcopy

import captum.attr
import numpy as np
import torch
import torchcam.methods
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from twins import torchvision_twin

from vit.explain import gradients


def watched(case):
    """The images as captum wants them."""
    return case.inputs.clone().requires_grad_()


def as_grid(model):
    """Tokens (B, N, D) as feature maps (B, D, g, g), which is what CAM libraries read."""
    prefix, grid = model.config.num_prefix_tokens, model.config.grid_size
    return lambda tokens: tokens[:, prefix:].transpose(1, 2).unflatten(2, (grid, grid))


def test_grad_cam_is_that_of_the_grad_cam_package(case):
    model = deepcopy(case.model)
    layer, targets = model.blocks[-1].norm1, [ClassifierOutputTarget(case.target)] * len(case.inputs)
    with GradCAM(model, [layer], reshape_transform=as_grid(model)) as cam:
        cam(case.inputs, targets)
        (tokens,), (grads,) = cam.activations_and_grads.activations, cam.activations_and_grads.gradients
        # Their map before OpenCV stretches and enlarges it in float32, where CPUs differ by more than their rounding.
        expected = cam.get_cam_image(case.inputs, layer, targets, tokens.numpy(), grads.numpy()).clip(min=0)
    ours = gradients.gradcam(model, case.inputs, case.target).numpy()
    assert np.allclose(ours, expected, rtol=0, atol=1e-10 * expected.max())


def test_grad_cam_is_torchcams(case):
    model = case.model
    with torchcam.methods.GradCAM(model, model.blocks[-1].norm1, reshape_transform=as_grid(model)) as cam:
        scores = model(case.inputs.clone().requires_grad_())
        (theirs,) = cam(case.target, scores, normalized=False)
    assert torch.allclose(gradients.gradcam(model, case.inputs, case.target), theirs, atol=1e-10)


def test_legrad_is_torchcams(plain_case):
    model = plain_case.model
    twin = torchvision_twin(model)
    with torchcam.methods.LeGrad(twin, list(twin.encoder.layers)) as cam:
        scores = twin(plain_case.inputs)
        (theirs,) = cam(plain_case.target, scores, normalized=False)
    ours = gradients.legrad(model, plain_case.inputs, plain_case.target)
    assert torch.allclose(ours, theirs, atol=1e-12)


def test_saliency_is_captums(case):
    theirs = captum.attr.Saliency(case.model).attribute(watched(case), target=case.target, abs=True)
    assert torch.allclose(gradients.saliency(case.model, case.inputs, case.target), theirs, atol=1e-10)


def test_input_x_gradient_is_captums(case):
    theirs = captum.attr.InputXGradient(case.model).attribute(watched(case), target=case.target)
    assert torch.allclose(gradients.input_x_gradient(case.model, case.inputs, case.target), theirs, atol=1e-10)


def test_integrated_gradients_are_captums_with_many_more_steps(random):
    """captum takes even steps; enough of them come close to a sum that may be off by 1 %."""
    method = captum.attr.IntegratedGradients(random.model)
    settings = {"target": random.target, "n_steps": 200, "method": "gausslegendre"}
    theirs = method.attribute(random.inputs.clone(), **settings)
    ours = gradients.integrated_gradients(random.model, random.inputs, random.target)
    assert (ours - theirs).abs().max() < 0.02 * theirs.abs().max()
