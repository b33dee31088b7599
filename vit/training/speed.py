"""``python -m vit.training.speed CONFIG.json``: measure a configuration on made-up pictures and remember its speed.

It waits for a run that is using the machine, because either would disturb the other.
"""

import sys
from pathlib import Path

import torch
from filelock import FileLock

from vit import paths
from vit.config import RunConfig
from vit.data.load import Split
from vit.rules import read
from vit.runs import lock, speed
from vit.training import hardware, measure, team
from vit.training.batches import RunData
from vit.training.compiling import compile_ahead
from vit.training.lead import lead

NUM_IMAGES = 1024


def main() -> None:
    request = Path(sys.argv[1])
    config = read(request)
    if team.is_member():
        with team.membership():
            find_out(config)
        return
    with lock.hold(request.with_suffix(".lock")), FileLock(paths.runs_root() / ".machine.lock"):
        processes = team.largest(config.train, hardware.choose_device(config.train))
        if processes == 1:
            find_out(config)
        else:
            lead("vit.training.speed", str(request), processes)
    request.unlink()


def find_out(config: RunConfig) -> None:
    """Remember how fast real steps of this configuration are on this machine, batches and augmentation included."""
    device = hardware.choose_device(config.train)
    hardware.set_up(config.train.threads)
    precision = hardware.choose_precision(config.train, device)
    data = noise(config, device)
    feasible = compile_ahead(config, data, precision, print) if config.train.compile else config
    found = measure.fastest(feasible, data, precision)
    if team.rank() == 0:
        speed.remember(config, config.train.batch_size / found.step)


def noise(config: RunConfig, device: torch.device) -> RunData:
    """Pictures that cost as much as real ones."""
    model, count = config.model, max(NUM_IMAGES, config.train.batch_size)
    shape = (count, model.in_channels, model.image_size, model.image_size)
    split = Split(
        torch.randint(0, 256, shape, dtype=torch.uint8).to(device),
        torch.randint(0, model.num_classes, (count,)).to(device),
    )
    half = torch.full((model.in_channels,), 0.5, device=device)
    classes = tuple(map(str, range(model.num_classes)))
    return RunData(split, split, None, classes, "noise", "noise", mean=half, std=half)


if __name__ == "__main__":
    main()
