"""Images per second of training: ours against timm, vit-pytorch and the loop of the tutorials, in one sitting.

    pip install vit-pytorch einops
    python -m bench.throughput --rounds 3 --data ../shared/data/cifar10-images.tar.xz

Everybody trains the same plain ViT (patch 4, width 128, depth 4, MLP ratio 2, class token) with AdamW on batches of
128; rounds are interleaved, so that a machine that gets slower gets slower for all. The peers run as their users run
them, in one process with a thread per core. "step" is fed with one ready batch; "loop" draws, augments (shift by up to
4 pixels, mirror) and normalises pictures: ours from resident uint8 tensors, the tutorials' with a DataLoader of PIL
pictures and torchvision transforms. The share of the machine is that of a 2048 x 2048 float32 matrix product.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch.nn import functional as F

from bench import machine
from vit import cost, devices, presets
from vit.config import RunConfig
from vit.data.load import load
from vit.model import VisionTransformer
from vit.rules import validate
from vit.runs.launch import ENVIRONMENT
from vit.torchvision_compat import prepare_torchvision
from vit.training import hardware, measure, team
from vit.training.batches import prepare
from vit.training.lead import lead
from vit.training.speed import noise

BATCH, SECONDS, WARM_UP = 128, 8.0, 4
PLAIN = {"model.pool": "cls", "train.optimizer": "adamw", "train.batch_size": BATCH, "augment.crop_padding": 4}
MATRIX = 2048
CPU = torch.device("cpu")


def config(source: str = "shapes", **more) -> RunConfig:
    return validate(presets.build("tutorial", {**PLAIN, "data.source": source, **more}))


def rate(step: Callable[[], None], images: int) -> float:
    """Images per second, from the median step of some seconds."""
    for _ in range(WARM_UP):
        step()
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return images / statistics.median(times)


def plain_step(network: torch.nn.Module, batches: Callable[[], tuple]) -> Callable[[], None]:
    """An update as every tutorial writes it."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.05)

    def step() -> None:
        images, labels = batches()
        loss = F.cross_entropy(network(images), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def ready() -> tuple:
    """One batch, made before the clock starts."""
    return torch.randn(BATCH, 3, 32, 32), torch.randint(0, 10, (BATCH,))


def timm_step(_) -> float:
    from timm.models import VisionTransformer as Timm

    batch = ready()
    network = Timm(img_size=32, patch_size=4, num_classes=10, embed_dim=128, depth=4, num_heads=4, mlp_ratio=2)
    return rate(plain_step(network, lambda: batch), BATCH)


def vit_pytorch_step(_) -> float:
    from vit_pytorch import ViT

    batch = ready()
    network = ViT(image_size=32, patch_size=4, num_classes=10, dim=128, depth=4, heads=4, dim_head=32, mlp_dim=256)
    return rate(plain_step(network, lambda: batch), BATCH)


def tutorial_loop(source: str) -> float:
    """A DataLoader without workers, PIL pictures, torchvision's transforms; the model is ours."""
    batches = tutorial_batches(source)
    return rate(plain_step(VisionTransformer(config().model).train(), lambda: next(batches)), BATCH)


def tutorial_batches(source: str):
    """Batch after batch, epoch after epoch."""
    from PIL import Image
    from torch.utils.data import DataLoader
    from torchvision import transforms as steps

    transform = steps.Compose(
        [
            steps.RandomCrop(32, padding=4),
            steps.RandomHorizontalFlip(),
            steps.ToTensor(),
            steps.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26)),
        ]
    )
    split = load(source, 32).train
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in split.images[:20_000]]

    class Pictures(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(pictures)

        def __getitem__(self, place: int) -> tuple:
            return transform(pictures[place]), int(split.labels[place])

    while True:
        yield from DataLoader(Pictures(), BATCH, shuffle=True, drop_last=True)


def ours(name: str, source: str) -> float:
    """Our worker's own steps, in as many processes as it would use; under torchrun the result is left in a file."""
    loop = name == "our loop"
    data = prepare(load(source, 32), config(source), CPU) if loop else None
    settings = config(source) if loop else config(**{"augment.crop_padding": 0, "augment.flip": "none"})
    hardware.set_up(0)
    data = data or noise(settings, CPU)
    if not loop:  # one ready batch for all steps
        batch = data.batch(0, settings)
        object.__setattr__(data, "batch", lambda *_: batch)
    found = measure.fastest(settings, data, "fp32")
    return BATCH / found.step


def matmul(_) -> float:
    """Floating-point operations per second of a large product."""
    left, right = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    return rate(lambda: left @ right, 2 * MATRIX**3)


CONTENDERS: dict[str, Callable[[str], float]] = {
    "matrix product": matmul,
    "our step": lambda source: ours("our step", source),
    "timm's step": timm_step,
    "vit-pytorch's step": vit_pytorch_step,
    "our loop": lambda source: ours("our loop", source),
    "the tutorials' loop": tutorial_loop,
}


def contend(argument: str) -> None:
    """One contender's turn, in a process of its own (or a team of them)."""
    name, source, path = json.loads(argument)
    processes = team.largest(config().train, CPU) if name.startswith("our") else 1
    if processes > 1 and not team.is_member():
        lead("bench.throughput", argument, processes)
        return
    prepare_torchvision()  # the peers import it
    with team.membership() if team.is_member() else nullcontext():
        result = CONTENDERS[name](source)
        if team.rank() == 0:
            Path(path).write_text(json.dumps(result))


def turn(name: str, source: str) -> float:
    environment = {**os.environ, **(ENVIRONMENT if name.startswith("our") else {})}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        argument = json.dumps([name, source, str(path)])
        subprocess.run([sys.executable, "-m", "bench.throughput", argument], check=True, env=environment)
        return json.loads(path.read_text())


def main() -> None:
    if len(sys.argv) == 2 and sys.argv[1].startswith("["):
        contend(sys.argv[1])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", default="shapes", help="a data set's name or a path")
    args = parser.parse_args()
    rounds = [{name: turn(name, args.data) for name in CONTENDERS} for _ in range(args.rounds)]
    print(machine.table(rows(rounds)))
    print(machine.write("throughput", {"data": args.data, "cores": devices.usable_cores(), "rounds": rounds}))


def rows(rounds: list[dict]) -> list[dict]:
    """Medians, ratios taken within each round, and the share of the matrix product's rate."""
    flops = 3 * cost.forward_flops(config().model)  # the backward pass is two forward passes
    against = {"our step": "timm's step", "our loop": "the tutorials' loop"}
    return [
        {
            "what": name,
            "images/s": f"{statistics.median(turn[name] for turn in rounds):,.0f}",
            "share of the machine": f"{statistics.median(t[name] * flops / t['matrix product'] for t in rounds):.0%}",
            "ratio": _ratio(rounds, name, against[name]) if name in against else "",
        }
        for name in CONTENDERS
        if name != "matrix product"
    ]


def _ratio(rounds: list[dict], ours: str, theirs: str) -> str:
    ratios = [turn[ours] / turn[theirs] for turn in rounds]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of {theirs}"


if __name__ == "__main__":
    main()
