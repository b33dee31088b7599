"""A CNN and a ViT of the same size, trained on the same batches, with little data and with much.

``python -m vit.learn.versus DATA`` is the process of one comparison; ``vit.learn.compared`` starts it and reads what it
leaves.
"""

import sys
from collections.abc import Callable
from dataclasses import replace

import torch
from filelock import FileLock
from torch import nn

from vit import jobs, paths
from vit.config import RunConfig, merge, share_or_count
from vit.data.load import Dataset, Split, load
from vit.jobs import Progress
from vit.learn import cnn, compared
from vit.learn.compared import NETWORKS, SHARES, Row
from vit.rules import validate
from vit.training.batches import RunData, prepare
from vit.training.device import setup
from vit.training.loop import evaluate, train_step
from vit.training.optimizers import build_optimizers
from vit.training.state import TrainState, new_state

STEPS, POINTS = 400, 10  # of a training; validations in it
SIDE, NUM_VAL = 32, 1000  # pixels of an image; validation images


def settings(dataset: Dataset, seed: int = 0, steps: int = STEPS) -> RunConfig:
    """The recipe for both networks: a plain ViT's, with AdamW."""
    length = {"train.epochs": None, "train.steps": steps, "train.seed": seed, "train.device": "cpu"}
    chosen = {"data.source": dataset.name, "data.val_size": NUM_VAL, "model.num_classes": len(dataset.classes)}
    return validate(merge(RunConfig().to_json(), length | chosen))


def networks(config: RunConfig) -> dict[str, nn.Module]:
    """Both networks with weights drawn from the seed, of about the same number of parameters."""
    vit = new_state(config, torch.device("cpu")).network
    torch.manual_seed(config.train.seed)
    model = config.model
    return {"ViT": vit, "CNN": cnn.of_size(cnn.num_parameters(vit), model.in_channels, model.num_classes)}


def part_of(data: RunData, share: float, seed: int) -> RunData:
    """The same data with a share of the training images, drawn from the seed."""
    count = len(data.train.labels)
    places = torch.randperm(count, generator=torch.Generator().manual_seed(seed))[: max(1, round(share * count))]
    return replace(data, train=Split(data.train.images[places], data.train.labels[places]))


def train(
    network: nn.Module, config: RunConfig, data: RunData, step_done: Callable[[], None]
) -> list[tuple[int, float]]:
    """Train and validate; returns steps with the val accuracy after them."""
    state = TrainState(network, build_optimizers(network, config.train))  # type: ignore[arg-type]
    total, found = config.train.steps or 0, []
    warmup, every = share_or_count(config.train.warmup, total), max(1, total // POINTS)
    while state.step < total:
        lr = config.train.lr_at(state.step, total, warmup)
        train_step(network, state, data.batch(state.step, config), config.train, lr, "fp32")
        step_done()
        if state.step % every == 0 or state.step == total:
            found.append((state.step, accuracy(network, data)))
    return found


def accuracy(network: nn.Module, data: RunData) -> float:
    """Accuracy on the validation images."""
    return evaluate(network, data.val.images, data.val.labels, data.mean, data.std, "fp32").accuracy


def compare(config: RunConfig, data: RunData, report: Progress) -> list[Row]:
    """All four trainings: each network with each share of the training images."""
    rows, done, total = [], 0, len(NETWORKS) * len(SHARES) * (config.train.steps or 0)
    for share in SHARES:
        images = part_of(data, share, config.train.seed)
        for name, network in networks(config).items():

            def step_done(words: str = f"{name} with {share:.0%} of the training images") -> None:
                nonlocal done
                done += 1
                report(done, total, words)

            found = train(network, config, images, step_done)
            rows += [Row(network=name, share=share, step=step, val_accuracy=value) for step, value in found]
    return rows


def main() -> None:
    """Do one comparison, once no run uses the machine."""
    source = sys.argv[1]
    jobs.run(compared.job_name(source), lambda reporter: _work(source, reporter.progress("steps")))


def _work(source: str, report: Progress) -> str:
    dataset = load(source, SIDE)
    config = settings(dataset)
    with FileLock(paths.machine_lock()):
        device, _ = setup(config.train)
        compared.write(source, compare(config, prepare(dataset, config, device), report))
    return "compared"


if __name__ == "__main__":
    main()
