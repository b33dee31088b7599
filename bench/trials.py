"""What variants of a preset learn, judged on val, and whether their attention can be read: one thread each.

    python -m bench.trials 30-minutes --data cifar10 --minutes 10 "" "model.stem=resnet model.depth=3"
    python -m bench.trials 30-minutes --data cifar10 --epochs 10 "" train.lr=0.012

A variant is a list of FIELD=VALUE; an empty one is the preset. All learn for as many epochs, or, on a CPU, for as many
minutes of one core: then the time of a step is measured before anything is trained, variant by variant in turn, on
cores that should be quiet, and becomes a number of steps, so that trainings side by side may be slowed by other
programs and still compare. Test is not opened.
"""

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from torch import Tensor

from bench import machine
from bench.readability import faithfulness, spread
from vit import devices, presets
from vit.cli.train import assignment
from vit.config import RunConfig, share_or_count
from vit.data.augment import normalize
from vit.data.load import load
from vit.model import VisionTransformer
from vit.rules import validate
from vit.training.batches import RunData, prepare
from vit.training.device import choose_device, choose_precision
from vit.training.initialization import whiten
from vit.training.loop import evaluate, train_step, trainable
from vit.training.planning import random_images
from vit.training.state import TrainState, new_state

VAL, READ, ROUNDS, STEPS, WARM_UP = 5000, 500, 3, 12, 3
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=presets.PRESETS, metavar="PRESET")
    parser.add_argument("variants", nargs="+", metavar="VARIANT")
    parser.add_argument("--data", required=True)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="of one core")
    length.add_argument("--epochs", type=float)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=devices.usable_cores(), help="trainings side by side")
    args = parser.parse_args()
    configs = {variant: configured(args.preset, variant, args.data, args.epochs) for variant in args.variants}
    totals = steps_of_minutes(configs, args.minutes) if args.minutes else dict.fromkeys(configs)
    wanted = [(name, seed) for seed in range(args.seeds) for name in configs]
    with ProcessPoolExecutor(args.jobs, get_context("spawn")) as pool:
        asked = [pool.submit(train, configs[name], totals[name], seed) for name, seed in wanted]
        rows = [
            {"variant": name or "the preset", "seed": seed} | found.result()
            for (name, seed), found in zip(wanted, asked, strict=True)
        ]
    print(machine.table(rows))
    told = {"minutes": args.minutes, "epochs": args.epochs, "val_images": VAL, "trials": rows}
    print(machine.write(f"trials-{args.preset}", told))


def configured(preset: str, variant: str, data: str, epochs: float | None) -> RunConfig:
    fixed = {"data.source": data, "data.val_size": VAL, "train.processes": 1, "train.threads": 1}
    length = {"train.epochs": epochs} if epochs else {"train.device": "cpu"}  # whose minutes are measured
    return validate(presets.build(preset, fixed | length | dict(assignment(word) for word in variant.split())))


def steps_of_minutes(configs: dict[str, RunConfig], minutes: float) -> dict[str, int]:
    """How many steps of each variant one core makes in some minutes, by name."""
    rounds = [{name: seconds_per_step(config) for name, config in configs.items()} for _ in range(ROUNDS)]
    costs = {name: statistics.median(one[name] for one in rounds) for name in configs}
    return {name: round(60 * minutes / cost) for name, cost in costs.items()}


def seconds_per_step(config: RunConfig) -> float:
    """Processor time of a step on random images."""
    torch.set_num_threads(1)
    data, state = random_images(config, CPU), new_state(config, CPU)
    steps(state, data, config, WARM_UP)
    start = time.process_time()
    steps(state, data, config, WARM_UP + STEPS)
    return (time.process_time() - start) / STEPS


def train(config: RunConfig, total: int | None, seed: int) -> dict:
    """So many steps, or as many as the configuration says, and what they bring."""
    torch.set_num_threads(1)
    config = validate(config.to_json() | {"train": config.train.model_dump() | {"seed": seed}})
    device = choose_device(config.train)
    data = prepare(load(config.data.source, config.model.image_size), config, device)
    steps_per_epoch = data.steps_per_epoch(config.train.batch_size)
    total = total or config.train.total_steps(steps_per_epoch)
    state = new_state(config, device)
    if config.train.whiten:
        whiten(state.network, data)
    start = time.perf_counter()
    steps(state, data, config, total)
    seconds = time.perf_counter() - start
    network = state.evaluation_network()
    found = evaluate(network, data.val.images, data.val.labels, data.mean, data.std, "fp32")
    return {
        "epochs": round(total / steps_per_epoch, 2),
        "ms per step": round(1000 * seconds / total, 1),
        "val accuracy": f"{found.accuracy:.1%}",
        "val loss": round(found.loss, 3),
        **readable(network.cpu(), normalize(spread(data.val.images, READ), data.mean, data.std).cpu()),
    }


@torch.inference_mode()
def readable(model: VisionTransformer, inputs: Tensor) -> dict:
    """How faithful the model's rollout of some normalized images is."""
    advantages, verdicts = faithfulness(model, inputs)
    return {
        "insertion minus deletion": round(statistics.mean(advantages), 3),
        "beats chance": f"{verdicts.count('beats chance') / len(verdicts):.0%}",
    }


def steps(state: TrainState, data: RunData, config: RunConfig, total: int) -> None:
    """Train up to a step, with a schedule that ends there."""
    forward, warmup = trainable(state, config.train), share_or_count(config.train.warmup, total)
    precision = choose_precision(config.train.precision, data.mean.device.type)
    while state.step < total:
        lr = config.train.lr_at(state.step, total, warmup)
        train_step(forward, state, data.batch(state.step, config), config.train, lr, precision)
    if data.mean.is_cuda:
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
