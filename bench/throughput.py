"""Images per second of training: ours against timm, vit-pytorch and the loop of the tutorials, in one sitting.

    pip install vit-pytorch einops
    python -m bench.throughput --rounds 20 --data cifar10-images.tar.xz

Everybody trains the same plain ViT (patch 4, width 128, depth 4, MLP ratio 2, class token) with AdamW on batches of
128. All are started once and suspended; then each is woken for some seconds in turn, again and again, so that a
machine that gets slower gets slower for all, and ratios are taken within a round. The peers run as their users run
them, in one process with a thread per core; ours in one process of one thread per core (``--processes``). "step" is
fed with one ready batch; "loop" draws, augments (shift by up to 4 pixels, mirror) and normalizes images: ours from
resident uint8 tensors, the tutorials' with a DataLoader of PIL images, torchvision's transforms and timm's model. The
share of the machine is the model's floating-point operations against those of a 2048 x 2048 float32 product in the same
time; with a class token our step leaves out what nobody reads of the last block, which counts in its favor, and with
mean pooling it leaves out nothing. Where our worker would choose bfloat16 (AMX), it is measured with both precisions.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import torch
from torch.nn import functional as F

from bench import machine
from bench.torchvision_compat import prepare_torchvision
from vit import cost, devices, presets
from vit.config import RunConfig
from vit.data.load import load
from vit.processes import ENVIRONMENT
from vit.rules import validate
from vit.training import distributed
from vit.training.batches import prepare
from vit.training.device import setup
from vit.training.loop import train_step, trainable
from vit.training.planning import random_images
from vit.training.state import new_state

BATCH, SECONDS, WARM_UP = 128, 3.0, 5
PLAIN = {"model.pool": "cls", "train.optimizer": "adamw", "train.batch_size": BATCH, "augment.crop_padding": 4}
MATRIX = 2048
CPU = torch.device("cpu")


def config(source: str = "shapes", **more) -> RunConfig:
    return validate(presets.build("tutorial", {**PLAIN, "data.source": source, **more}))


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


def timm_model(**more) -> torch.nn.Module:
    from timm.models import VisionTransformer as Timm

    return Timm(img_size=32, patch_size=4, num_classes=10, embed_dim=128, depth=4, num_heads=4, mlp_ratio=2, **more)


def timm_step(_) -> Callable[[], None]:
    batch = ready()
    return plain_step(timm_model(), lambda: batch)


def timm_mean_step(_) -> Callable[[], None]:
    batch = ready()
    return plain_step(timm_model(class_token=False, global_pool="avg"), lambda: batch)


def vit_pytorch_step(_) -> Callable[[], None]:
    from vit_pytorch import ViT

    batch = ready()
    network = ViT(image_size=32, patch_size=4, num_classes=10, dim=128, depth=4, heads=4, dim_head=32, mlp_dim=256)
    return plain_step(network, lambda: batch)


def tutorial_loop(source: str) -> Callable[[], None]:
    """A DataLoader without workers, PIL images, torchvision's transforms; the model is timm's."""
    batches = tutorial_batches(source)
    return plain_step(timm_model(), lambda: next(batches))


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
    images = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in split.images[:20_000]]

    class Images(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, place: int) -> tuple:
            return transform(images[place]), int(split.labels[place])

    while True:
        yield from DataLoader(Images(), BATCH, shuffle=True, drop_last=True)


def our_step(_, precision: str = "fp32", **more) -> Callable[[], None]:
    """Our worker's own step on one ready batch."""
    settings = config(**{"augment.crop_padding": 0, "augment.flip": "none", **more})
    batch = random_images(settings, CPU).batch(0, settings)
    return worker_step(settings, lambda _: batch, precision)


def our_mean_step(_, precision: str = "fp32") -> Callable[[], None]:
    return our_step(_, precision, **{"model.pool": "mean"})


def our_loop(source: str, precision: str = "fp32") -> Callable[[], None]:
    """Our worker's own step, each on a batch of its own."""
    settings = config(source)
    data = prepare(load(source, 32), settings, CPU)
    return worker_step(settings, lambda step: data.batch(step, settings), precision)


def worker_step(settings: RunConfig, batch: Callable[[int], tuple], precision: str) -> Callable[[], None]:
    state = new_state(settings, CPU)
    forward, train = trainable(state, settings.train), settings.train
    return lambda: train_step(forward, state, batch(state.step), train, train.lr, precision)


def matmul(_) -> Callable[[], None]:
    """A large product."""
    left, right = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    return lambda: left @ right


CONTENDERS: dict[str, Callable[[str], Callable[[], None]]] = {
    "matrix product": matmul,
    "our step": our_step,
    "timm's step": timm_step,
    "our step, mean pooling": our_mean_step,
    "timm's step, mean pooling": timm_mean_step,
    "vit-pytorch's step": vit_pytorch_step,
    "our loop": our_loop,
    "the tutorials' loop": tutorial_loop,
}
AGAINST = {
    "our step": "timm's step",
    "our step, mean pooling": "timm's step, mean pooling",
    "our loop": "the tutorials' loop",
}
if devices.cpu_precision() == "bf16":
    CONTENDERS |= {f"{name}, bfloat16": partial(CONTENDERS[name], precision="bf16") for name in AGAINST}
    AGAINST |= {f"{name}, bfloat16": theirs for name, theirs in AGAINST.items()}


def contend(argument: str) -> None:
    """One contender, in a process of its own (or several): steps without end, each one's seconds in a file."""
    name, source, path, processes = json.loads(argument)
    if processes > 1 and not distributed.is_worker():
        distributed.launch("bench.throughput", argument, processes)
        return
    prepare_torchvision()  # the peers import it
    with distributed.process_group() if distributed.is_worker() else nullcontext():
        if name.startswith("our"):
            setup(config().train)
        step = CONTENDERS[name](source)
        with open(path, "a") if distributed.rank() == 0 else nullcontext() as file:
            while True:
                start = time.perf_counter()
                step()
                if file:
                    print(time.perf_counter() - start, file=file, flush=True)


@dataclass
class Contender:
    """A suspended process, and the file in which its steps appear."""

    process: psutil.Process
    path: Path
    seen: int = 0

    @classmethod
    def start(cls, name: str, source: str, folder: Path, processes: int) -> "Contender":
        """Begin, and suspend as soon as the first steps are done."""
        path = folder / name
        path.touch()
        environment = {**os.environ, **(ENVIRONMENT if name.startswith("our") else {})}
        argument = json.dumps([name, source, str(path), processes if name.startswith("our") else 1])
        started = psutil.Popen([sys.executable, "-m", "bench.throughput", argument], env=environment)
        contender = cls(started, path)
        while len(path.read_text().splitlines()) < WARM_UP:
            assert started.poll() is None, f"{name} has ended"
            time.sleep(0.1)
        contender.each(psutil.Process.suspend)
        return contender

    def each(self, act: Callable[[psutil.Process], None]) -> None:
        for process in [self.process, *self.process.children(recursive=True)]:
            act(process)

    def turn(self) -> float:
        """Seconds of a step, the median over a turn; the step that the suspension cut in two doesn't count."""
        self.seen = len(self.path.read_text().splitlines())
        self.each(psutil.Process.resume)
        time.sleep(SECONDS)
        self.each(psutil.Process.suspend)
        return statistics.median(map(float, self.path.read_text().splitlines()[self.seen + 1 :]))


def measure_all(source: str, rounds: int, processes: int) -> list[dict[str, float]]:
    """Rounds of a turn for each: seconds of a step."""
    with tempfile.TemporaryDirectory() as folder:
        contenders = {}
        try:
            for name in CONTENDERS:
                contenders[name] = Contender.start(name, source, Path(folder), processes)
            return [{name: contender.turn() for name, contender in contenders.items()} for _ in range(rounds)]
        finally:
            for contender in contenders.values():
                contender.each(psutil.Process.kill)


def main() -> None:
    if len(sys.argv) == 2 and sys.argv[1].startswith("["):
        contend(sys.argv[1])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--data", default="shapes", help="a data set's name or a path")
    parser.add_argument("--processes", type=int, default=distributed.max_processes(config().train, CPU), help="of ours")
    args = parser.parse_args()
    rounds = measure_all(args.data, args.rounds, args.processes)
    print(machine.table(rows(rounds)))
    setting = {"data": args.data, "cores": devices.usable_cores(), "processes": args.processes}
    print(machine.write("throughput", {**setting, "rows": rows(rounds), "seconds per step": rounds}))


def rows(rounds: list[dict[str, float]]) -> list[dict]:
    """Medians over the rounds, ratios within each, and the share of the matrix product's rate."""
    flops = cost.training_flops(config().model) * BATCH
    return [
        {
            "what": name,
            "images/s": f"{BATCH / statistics.median(turn[name] for turn in rounds):,.0f}",
            "share of the machine": f"{statistics.median(_share(turn, name, flops) for turn in rounds):.0%}",
            "ratio": _ratio(rounds, name, AGAINST[name]) if name in AGAINST else "",
        }
        for name in CONTENDERS
        if name != "matrix product"
    ]


def _share(turn: dict[str, float], name: str, flops: float) -> float:
    return flops / turn[name] / (2 * MATRIX**3 / turn["matrix product"])


def _ratio(rounds: list[dict[str, float]], ours: str, theirs: str) -> str:
    low, middle, high = statistics.quantiles([turn[theirs] / turn[ours] for turn in rounds], n=4)
    return f"{middle:.2f} (middle half {low:.2f} to {high:.2f}) of {theirs}"


if __name__ == "__main__":
    main()
