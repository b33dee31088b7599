"""What a network's inside says about its training, measured on a few images; ``vocabulary`` has the names.

Everything is only read: no hook, no gradient, no random number, no change of mode.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.data.load import Split
from vit.doctor.vocabulary import LAYER_ENTROPY
from vit.explain.trace import Step, blocks, check_ready, read_out, walk
from vit.model import Block, VisionTransformer

MOST_IMAGES = 8  # whose attention is looked at
MOST_NUMBERS = 1 << 23  # that a layer of them may take
DEAD = 1e-3  # of the residual stream; what a head adds at the start is about 2e-2
TWINS = 0.01  # largest difference of two heads' outputs, in lengths of the longer one
GOLDEN = 0.618
THUMBNAIL = 8  # pixels a side
RIDGE = 1.0  # per image; features have unit variance


def evenly(count: int, most: int) -> Tensor:
    """At most ``most`` places among ``count``, evenly spaced, so that sorted classes all take part."""
    chosen = min(count, most)
    return torch.arange(chosen) * count // max(1, chosen)


def num_images(network: VisionTransformer) -> int:
    """How many images to look at, so that a layer's attention and outputs stay small."""
    config = network.config
    per_image = config.num_heads * config.num_tokens * max(config.num_tokens, config.embed_dim)
    return max(2, min(MOST_IMAGES, MOST_NUMBERS // per_image))


def chance(labels: Tensor, num_classes: int) -> dict[str, float]:
    """Loss and accuracy of the best guess that doesn't look at the image."""
    shares = torch.bincount(labels.cpu(), minlength=num_classes).double() / len(labels)
    return {"chance_loss": torch.special.entr(shares).sum().item(), "chance_accuracy": shares.max().item()}


@torch.no_grad()
def judged(network: VisionTransformer, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Loss and accuracy on train images as validation computes them: normalized (B, C, H, W), labels (B,)."""
    logits = network(images).float()
    loss, accuracy = F.cross_entropy(logits, labels), (logits.argmax(1) == labels).float().mean()
    return {"clean_train_loss": loss.item(), "clean_train_accuracy": accuracy.item()}


def shuffle_patches(images: Tensor, side: int) -> Tensor:
    """The same patches in another order, which is the same for all images: (B, C, H, W)."""
    rows, columns = images.shape[2] // side, images.shape[3] // side
    count = rows * columns
    step = next(s for s in range(max(1, round(GOLDEN * count)), 2 * count + 2) if math.gcd(s, count) == 1)
    order = (torch.arange(count, device=images.device) * step + 1) % count
    patches = images.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)[:, :, order]  # (B, C, N, P, P)
    return patches.unflatten(2, (rows, columns)).transpose(3, 4).reshape(images.shape)


@torch.no_grad()
def inside(network: VisionTransformer, images: Tensor) -> dict[str, float]:
    """What heads and class token do, and how far predictions depend on the image and on the place of its patches.

    Args:
        network: In eval mode.
        images: Normalized (B, C, H, W).

    Raises:
        VitError: If the network is in training mode, or the images don't have its input size.
    """
    check_ready(network, images)
    with torch.autocast(images.device.type, enabled=False):
        layers, tokens = [], network.embed(images)
        for block, step in zip(blocks(network), walk(network, tokens), strict=True):
            layers.append(_layer(block, step))
            tokens = step.tokens
        found = _answers(network, images, read_out(network, tokens).softmax(1))
    entropies, twins, added, taken = (torch.stack(part).cpu() for part in zip(*layers, strict=True))
    found |= {"identical_heads": twins.float().mean().item(), "dead_heads": (added < DEAD).float().mean().item()}
    if network.config.num_tokens > 1:
        found["attention_entropy"] = entropies.mean().item()
        found |= {f"{LAYER_ENTROPY}{layer}": value for layer, value in enumerate(entropies.mean(1).tolist())}
    if network.config.pool == "cls":
        found["class_token_share"] = taken.max().item()
    return found


def _answers(network: VisionTransformer, images: Tensor, probabilities: Tensor) -> dict[str, float]:
    """Differences between the predictions (B, K), and what shuffling the patches does to them."""
    found = {"prediction_spread": probabilities.std(0, correction=0).mean().item()}
    if network.config.num_patches > 1:
        shuffled = network(shuffle_patches(images, network.config.patch_size)).softmax(1)
        found["place_effect"] = (probabilities - shuffled).abs().sum(1).mean().item() / 2
    return found


def _layer(block: Block, step: Step) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of each head of a block: entropy (h,), whether it has a twin (h,), what it adds (h,); and of the class token,
    which is first: what it takes from others ()."""
    num_tokens = step.attention.shape[-1]
    entropy = torch.special.entr(step.attention).sum(-1).mean((0, 2)) / math.log(max(2, num_tokens))
    outputs = step.heads.transpose(0, 1).flatten(1)  # (h, B N d)
    lengths = outputs.norm(dim=1)
    distances = torch.cdist(outputs[None], outputs[None])[0] / torch.maximum(lengths[:, None], lengths[None])
    twins = (distances.fill_diagonal_(math.inf) < TWINS).any(1)  # two that are zero are 0 / 0, which is not less
    weight = block.attn.proj.weight.unflatten(1, (block.attn.num_heads, -1))  # (D, h, d)
    parts = torch.einsum("bhnd,ohd->bhno", step.heads, weight)
    added = parts.square().mean((0, 2, 3)).sqrt() / step.tokens.square().mean().sqrt()
    return entropy, twins, added, 1 - step.attention[:, :, 0, 0].mean()


def matrices(network: nn.Module) -> dict[str, Tensor]:
    """Copies of the weights whose updates are compared with them: trainable matrices and kernels, and the head's."""
    return {name: weight.detach().clone() for name, weight in network.named_parameters() if _is_compared(name, weight)}


def _is_compared(name: str, weight: nn.Parameter) -> bool:
    is_token = name.endswith(("_token", "pos_embed"))
    return name == "head.weight" or (weight.ndim > 1 and weight.requires_grad and not is_token)


@torch.no_grad()
def movement(before: dict[str, Tensor], network: nn.Module) -> dict[str, float]:
    """Length of the update since ``before``, in lengths of the weight; one that is zero and stays so has not moved."""
    now = dict(network.named_parameters())
    ratios = {name: (now[name] - old).norm() / old.norm().clamp_min(1e-12) for name, old in before.items()}
    moved = [ratio for name, ratio in ratios.items() if now[name].requires_grad]
    found = {"head_update_ratio": ratios["head.weight"].item()}
    if moved:
        found["update_ratio"] = torch.stack(moved).median().item()
    weights = [weight for name, weight in now.items() if name.startswith("blocks.") and weight.ndim > 1]
    squares = torch.stack([weight.square().sum() for weight in weights]).sum() / sum(map(torch.numel, weights))
    return found | {"weight_norm": squares.sqrt().item()}


def linear_accuracy(train: Split, val: Split, num_classes: int) -> float:
    """Val accuracy of a ridge regression from thumbnails to classes: what is easy to learn from these labels."""
    x, mean, std = _features(train.images, None, None)
    targets = F.one_hot(train.labels.cpu(), num_classes).double()
    center = targets.mean(0)
    gram = x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(gram, x.T @ (targets - center))
    scores = _features(val.images, mean, std)[0] @ weights + center
    return (scores.argmax(1) == val.labels.cpu()).double().mean().item()


def _features(images: Tensor, mean: Tensor | None, std: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Standardized thumbnails (n, C 8 8) in float64 on the CPU, and what standardized them."""
    stride = max(1, images.shape[-1] // 32)  # a large image needs few of its pixels
    small = F.adaptive_avg_pool2d(images[:, :, ::stride, ::stride].cpu().float(), THUMBNAIL).flatten(1).double()
    mean = small.mean(0) if mean is None else mean
    std = small.std(0, correction=0).clamp_min(1e-3) if std is None else std
    return (small - mean) / std, mean, std
