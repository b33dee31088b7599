"""What the recipe of the CNN record reaches on our copy of CIFAR-10, and how long it takes on this machine.

    python -m bench.cnn_record --data cifar10-images --widths 64 256 256
    python -m bench.cnn_record --data cifar10-images --widths 32 128 128

Network and recipe are those of airbench94 with Muon (Jordan 2024, arXiv:2404.00498), written anew and in float32: a
fixed whitening of 2 x 2 pixels, three groups of two convolutions, batch norms without a scale, eight epochs in batches
of 2,000, and weights whose norm is kept, so that the learning rate alone decides how far a step turns them. Images,
shifts and mirroring come from ``vit``. Validation images are left out of the training; test is looked at once, at the
end.
"""

import argparse
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.utils.flop_counter import FlopCounterMode

from bench import machine
from vit import presets
from vit.config import RunConfig
from vit.data.augment import normalize
from vit.data.load import Split, load
from vit.rules import validate
from vit.training.batches import RunData, prepare
from vit.training.device import setup
from vit.training.initialization import WHITENING_IMAGES
from vit.training.optimizers import orthogonalize_all

SIDE, BATCH, EPOCHS, WHITENING_EPOCHS = 32, 2000, 8, 3  # the bias of the whitening is trained that long
BIAS_LR, HEAD_LR, FILTER_LR, DECAY = 0.053, 0.67, 0.24, 0.004  # of summed losses; decay is per step
SGD_MOMENTUM, MUON_MOMENTUM = 0.85, 0.6
SMOOTHING, EPS, BN_MOMENTUM, BN_EPS = 0.2, 5e-4, 0.4, 1e-12
EVAL_BATCH = 500


class Group(nn.Sequential):
    """Two convolutions, the first with pooling: (B, C, H, W) -> (B, C', H / 2, W / 2)."""

    def __init__(self, channels: int, width: int):
        first, second = convolution(channels, width), convolution(width, width)
        super().__init__(first, nn.MaxPool2d(2), norm(width), nn.GELU(), second, norm(width), nn.GELU())


def convolution(channels: int, width: int) -> nn.Conv2d:
    """3 x 3, which passes its input on at first."""
    made = nn.Conv2d(channels, width, 3, padding=1, bias=False)
    nn.init.dirac_(made.weight[:channels])
    return made


def norm(width: int) -> nn.BatchNorm2d:
    """A batch norm that shifts but does not scale."""
    made = nn.BatchNorm2d(width, momentum=BN_MOMENTUM, eps=BN_EPS)
    made.weight.requires_grad_(False)
    return made


class Cnn(nn.Module):
    """(B, 3, 32, 32) -> (B, K)."""

    def __init__(self, widths: list[int], num_classes: int):
        super().__init__()
        self.whitening = nn.Conv2d(3, 24, 2)
        self.whitening.weight.requires_grad_(False)
        groups = [Group(channels, width) for channels, width in zip([24, *widths], widths, strict=False)]
        self.features = nn.Sequential(nn.GELU(), *groups, nn.MaxPool2d(3), nn.Flatten())
        self.head = nn.Linear(widths[-1], num_classes, bias=False)
        with torch.no_grad():
            self.head.weight.div_(self.head.weight.std())

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(self.whitening(images))) / self.head.in_features

    @torch.no_grad()
    def whiten(self, images: Tensor) -> None:
        """The directions of 2 x 2 pixels at equal variance, each once as it is and once negated."""
        patches = F.unfold(images, 2).transpose(1, 2).flatten(0, 1)
        values, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (directions / (values + EPS).sqrt()).T
        self.whitening.weight.copy_(torch.cat([filters, -filters]).view_as(self.whitening.weight))


class NormedMuon:
    """Muon that first gives each kernel back its norm, the square root of its number of filters."""

    def __init__(self, kernels: list[nn.Parameter]):
        self.kernels = kernels
        self.buffers = [torch.zeros_like(kernel) for kernel in kernels]

    @torch.no_grad()
    def step(self, lr: float) -> None:
        updates = []
        for kernel, buffer in zip(self.kernels, self.buffers, strict=True):
            assert kernel.grad is not None
            buffer.mul_(MUON_MOMENTUM).add_(kernel.grad)
            updates.append(kernel.grad.add(buffer, alpha=MUON_MOMENTUM).flatten(1))
        for kernel, update in zip(self.kernels, orthogonalize_all(updates), strict=True):
            kernel.mul_(len(kernel) ** 0.5 / kernel.norm()).sub_(update.view_as(kernel), alpha=lr)
            kernel.grad = None


def train(network: Cnn, data: RunData, config: RunConfig) -> None:
    """Eight epochs with rates that fall to zero in a line."""
    per_epoch = data.steps_per_epoch(BATCH)
    kernels = [p for name, p in network.named_parameters() if p.ndim == 4 and p.requires_grad]
    biases = [p for name, p in network.named_parameters() if name.startswith("features") and p.ndim == 1]
    assert network.whitening.bias is not None
    told = [([network.whitening.bias], BIAS_LR), (biases, BIAS_LR), ([network.head.weight], HEAD_LR)]
    sgd = SGD(
        [{"params": [p for p in some if p.requires_grad], "lr": lr, "weight_decay": DECAY / lr} for some, lr in told],
        momentum=SGD_MOMENTUM,
        nesterov=True,
    )
    muon, rates = NormedMuon(kernels), [lr for _, lr in told]
    for step in range(EPOCHS * per_epoch):
        left, whitening_left = 1 - step / (EPOCHS * per_epoch), max(0.0, 1 - step / (WHITENING_EPOCHS * per_epoch))
        network.whitening.bias.requires_grad_(whitening_left > 0)
        images, labels, _ = data.batch(step, config)
        network.train()
        F.cross_entropy(network(images), labels, label_smoothing=SMOOTHING, reduction="sum").backward()
        for group, rate, share in zip(sgd.param_groups, rates, (whitening_left, left, left), strict=True):
            group["lr"] = rate * share
        sgd.step()
        muon.step(FILTER_LR * left)
        sgd.zero_grad()
        if (step + 1) % per_epoch == 0:
            told_val = accuracy(network, data, data.val, views=1)
            print(f"epoch {(step + 1) // per_epoch}: {told_val:.2%} of val", flush=True)


@torch.no_grad()
def accuracy(network: Cnn, data: RunData, split: Split, views: int) -> float:
    """Share that is right by one view of each image, by two (its mirror image), or by six (shifted by a pixel, too)."""
    network.eval()
    hits = 0
    for images, labels in zip(split.images.split(EVAL_BATCH), split.labels.split(EVAL_BATCH), strict=True):
        hits += int((logits(network, normalize(images, data.mean, data.std), views).argmax(1) == labels).sum())
    return hits / len(split.labels)


def logits(network: Cnn, images: Tensor, views: int) -> Tensor:
    """The mean over the views; the image itself counts as much as both shifts."""
    if views == 1:
        return network(images)
    if views == 2:
        return (network(images) + network(images.flip(-1))) / 2
    wide = F.pad(images, (1, 1, 1, 1), mode="reflect")
    shifted = [logits(network, part, 2) for part in (wide[..., :SIDE, :SIDE], wide[..., 2:, 2:])]
    return logits(network, images, 2) / 2 + (shifted[0] + shifted[1]) / 4


@torch.no_grad()
def operations(network: Cnn, data: RunData) -> float:
    """Floating-point operations of the whole training, counted as ``vit.cost`` does: backward is two forward passes."""
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, SIDE, SIDE))
    return 3 * counter.get_total_flops() * EPOCHS * BATCH * data.steps_per_epoch(BATCH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--widths", type=int, nargs=3, default=[64, 256, 256])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    recipe = {"train.batch_size": BATCH, "train.seed": args.seed, "augment.flip": "alternating", "data.val_size": 5000}
    recipe |= {"augment.crop_padding": 2, "data.source": args.data, "train.epochs": EPOCHS}
    config = validate(presets.build("plain", recipe))
    setup(config.train)
    data = prepare(load(args.data, SIDE), config, torch.device("cpu"))
    assert data.test is not None
    torch.manual_seed(args.seed)
    network, began = Cnn(args.widths, len(data.classes)), time.monotonic()
    network.whiten(normalize(data.train.images[:WHITENING_IMAGES], data.mean, data.std))
    network = network.to(memory_format=torch.channels_last)
    train(network, data, config)
    minutes = round((time.monotonic() - began) / 60, 1)
    reached = {f"test, views: {views}": round(accuracy(network, data, data.test, views), 4) for views in (1, 2, 6)}
    row = {"widths": args.widths, "seed": args.seed, "epochs": EPOCHS, "minutes": minutes}
    row |= {"operations": operations(network, data)} | reached
    print(machine.table([row]))
    print(machine.write(f"cnn-record-{args.widths[0]}", row))


if __name__ == "__main__":
    main()
