"""Fine-tuning the shipped model on 200 images of four classes of ``shapes``, against training from scratch.

    python -m bench.finetune --seeds 0 1 2 --steps 150

Writes ``vit/learn/fine_tuning.json``, which chapter 9 of Learn shows. The learning rate of each way is chosen by val
accuracy with another seed (10), out of three.
"""

import argparse
import statistics
from dataclasses import replace
from pathlib import Path

import torch

from bench import machine
from vit import models, presets
from vit.data.load import Dataset, Split, load
from vit.files import write_json
from vit.learn import fine_tuning
from vit.learn.versus import accuracy, train
from vit.rules import validate
from vit.training.batches import RunData, prepare
from vit.training.device import setup
from vit.training.initialization import start_from
from vit.training.state import new_state

MODEL, CLASSES, IMAGES, TEST_IMAGES = "cifar10-hybrid", 4, 200, 800
NUM_VAL, TUNING_SEED = 80, 10
RATES = (3e-4, 1e-3, 3e-3)
WAYS = {"from scratch": (None, "all"), "the head alone": (MODEL, "head"), "everything": (MODEL, "all")}
OUT = Path(fine_tuning.__file__).with_name("fine_tuning.json")


def some(dataset: Dataset, seed: int) -> Dataset:
    """200 images of four classes, and test images of them; images to choose with come on top."""

    def part(split: Split, count: int, own_seed: int) -> Split:
        order = torch.randperm(len(split.labels), generator=torch.Generator().manual_seed(own_seed))
        places = order[split.labels[order] < CLASSES][:count]
        return Split(split.images[places], split.labels[places])

    assert dataset.test is not None
    train_split, test = part(dataset.train, IMAGES + NUM_VAL, seed), part(dataset.test, TEST_IMAGES, seed)
    return replace(dataset, classes=dataset.classes[:CLASSES], train=train_split, test=test)


def data_of(dataset: Dataset, way: str, seed: int, steps: int, lr: float) -> tuple:
    """Configuration and data of one training."""
    init, trainable = WAYS[way]
    settings = {
        "model.num_classes": CLASSES,
        "data.val_size": NUM_VAL,
        "train.optimizer": "adamw",
        "train.steps": steps,
        "train.minutes": None,
        "train.lr": lr,
        "train.whiten": init is None,
        "train.seed": seed,
        "train.batch_size": 32,
        "init.trainable": trainable,
    }
    encoder = models.read_info(models.resolve(MODEL)).model.model_dump(mode="json")
    settings = {f"model.{name}": value for name, value in encoder.items()} | settings
    config = validate(presets.build("5-minutes", {"data.source": "shapes", **settings}, init=init))
    return config, prepare(some(dataset, seed), config, torch.device("cpu"))


def result(dataset: Dataset, way: str, seed: int, steps: int, lr: float) -> tuple[float, float]:
    """Val and test accuracy after a training."""
    config, data = data_of(dataset, way, seed, steps, lr)
    setup(config.train)
    state = new_state(config, torch.device("cpu"))
    if config.init.checkpoint:
        start_from(state.network, config.init.checkpoint, data.classes)
    ends = train(state.network, config, data, lambda: None)
    assert data.test is not None
    on_test: RunData = replace(data, val=data.test)
    return ends[-1][1], accuracy(state.network, on_test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=150)
    args = parser.parse_args()
    dataset, figures = load("shapes", 32), []
    for way in WAYS:
        tuned = {lr: result(dataset, way, TUNING_SEED, args.steps, lr)[0] for lr in RATES}
        lr = max(tuned, key=lambda rate: tuned[rate])
        tests = [result(dataset, way, seed, args.steps, lr)[1] for seed in args.seeds]
        figures.append({"way": way, "lr": lr, "test": tests, "mean": statistics.fmean(tests)})
        print(figures[-1], tuned, flush=True)
    told = {"machine": machine.describe(), "model": MODEL, "images": IMAGES, "classes": CLASSES, "data": "shapes"}
    write_json(OUT, {**told, "steps": args.steps, "seeds": args.seeds, "test_images": TEST_IMAGES, "ways": figures})


if __name__ == "__main__":
    main()
