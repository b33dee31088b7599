"""Train a run on what a better model says of each image, beside its label: a plain ViT learns more from few images so.

    python -m vit train --preset plain --data cifar10-images --set train.label_smoothing=0 --run pupil --prepare
    python -m bench.taught pupil cifar10-hybrid
    torchrun --nproc-per-node 2 -m bench.taught pupil cifar10-hybrid

The teacher looks at the same augmented images as the pupil (Beyer et al. 2022, arXiv:2106.05237), which DeiT does with
a CNN (Touvron et al. 2021, arXiv:2012.12877). It must have been trained with the same seed and validation split, so
that it has not seen the pupil's validation images. A run that was interrupted goes on when it is called again. Its
configuration does not know of the teacher: taken away as code, it learns from the labels alone.
"""

import argparse
import contextlib
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from vit import checkpoint, processes
from vit.config import RunConfig
from vit.errors import CheckpointError
from vit.model import VisionTransformer
from vit.models import ModelInfo
from vit.rules import read
from vit.runs.directory import Run
from vit.training import distributed
from vit.training.batches import RunData
from vit.training.device import autocast, choose_precision
from vit.training.recorder import Recorder
from vit.training.worker import load_data, rank_recorder, train

SHARE = 0.5  # of the targets that is the teacher's answer; the rest is the label


@dataclass(frozen=True)
class Taught(RunData):
    """The data of a run, with a teacher's answers in the targets."""

    teacher: VisionTransformer
    precision: str

    def batch(self, step: int, config: RunConfig) -> tuple[Tensor, Tensor, Tensor]:
        """As of ``RunData``, with targets (B, K)."""
        images, targets, labels = super().batch(step, config)
        if targets.ndim == 1:
            targets = F.one_hot(targets, len(self.classes)).float()
        with torch.no_grad(), autocast(images.device.type, self.precision):
            answers = self.teacher(images).float().softmax(1)
        return images, torch.lerp(targets, answers, SHARE), labels


def load_taught(config: RunConfig, device: torch.device, teacher: str) -> Taught:
    """The run's data, and its teacher."""
    data = load_data(config, device)
    network, info = checkpoint.load_with_info(teacher)
    check_teacher(config, data, info)
    precision = choose_precision(config.train.precision, device.type)
    return Taught(**vars(data), teacher=network.to(device), precision=precision)


def check_teacher(config: RunConfig, data: RunData, info: ModelInfo) -> None:
    """Refuse a teacher that may have been trained on the pupil's validation images, or that knows other classes."""
    own = (data.fingerprint, config.data.val_size, config.train.seed)
    others = (info.data.get("fingerprint"), info.run.data.val_size, info.run.train.seed)
    if own != others:
        raise CheckpointError(f"the teacher has another data set, val_size or seed: {others} instead of {own}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="made with --prepare")
    parser.add_argument("teacher", help="a run or a shipped model")
    args = parser.parse_args()
    run = Run.find(args.run)
    load = partial(load_taught, teacher=args.teacher)
    is_worker = distributed.is_worker()
    with (
        distributed.process_group() if is_worker else contextlib.nullcontext(),
        contextlib.nullcontext() if distributed.rank() else processes.hold(run.lock_path),
    ):
        train(run, read(run.config_path), rank_recorder(run) if is_worker else Recorder(run), load)


if __name__ == "__main__":
    main()
