"""Several processes that train one run together, on PyTorch's own engine: torchrun and DistributedDataParallel.

Every process runs the same loop on its share of each batch; gradients are averaged, so that all make the same update.
The first one, rank 0, decides and writes. Outside a team everything here does nothing, at no cost.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vit import devices
from vit.config import TrainConfig

SUPERVISOR = "VIT_SUPERVISOR"  # process id of who started the team and holds the run's lock, if somebody does
MOST_ON_CPU = 4  # more processes than this add up more gradients than they save
PATIENCE = timedelta(hours=12)  # how long one process may wait for the others, such as for a slow disk
_alone = False  # whether this process computes by itself for a while, although it has a team
WORDS = (None, "stop", "pause", "save")  # what rank 0 can tell the others between two steps


def is_member() -> bool:
    """Whether this process was started as one of a team."""
    return "RANK" in os.environ


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() and not _alone else 0


def size() -> int:
    return dist.get_world_size() if dist.is_initialized() and not _alone else 1


def largest(config: TrainConfig, device: torch.device) -> int:
    """How many processes to try: as many as asked for, else one per GPU, or a few on the cores of a CPU."""
    if config.processes:
        return config.processes
    if device.type == "cuda":
        return next(n for n in range(torch.cuda.device_count(), 0, -1) if config.batch_size % n == 0)
    if device.type != "cpu" or config.threads or sys.platform != "linux":
        return 1
    most = min(devices.usable_cores(), MOST_ON_CPU)
    return next(n for n in range(most, 0, -1) if config.batch_size % n == 0)


@contextmanager
def membership() -> Iterator[None]:
    """Meet the others, and part at the end."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        leave()


def leave() -> None:
    """Go on alone, or end; the others do likewise."""
    if dist.is_initialized():
        dist.destroy_process_group()


def shrink(processes: int) -> bool:
    """Let the team part where rank 0 goes on alone; False for those who are done."""
    if size() <= processes:
        return True
    is_first = rank() == 0
    leave()
    return is_first


@contextmanager
def waiting_for_rank_0() -> Iterator[bool]:
    """Rank 0 does something alone (it gets True) while the others wait."""
    global _alone
    is_first, _alone = rank() == 0, True
    try:
        yield is_first
    finally:
        _alone = False
    if size() > 1:
        dist.barrier()


def wrap(network: nn.Module) -> nn.Module:
    """The network, with gradients that are averaged over the team."""
    if size() == 1:
        return network
    # Of a 1 x 1 convolution, whose gradient comes in another order of bytes; it is copied, a few kilobytes.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    return DistributedDataParallel(network, gradient_as_bucket_view=True)


def share(values: Tensor) -> Tensor:
    """This process's part of something that has as many rows as the global batch, or any other number."""
    return values.tensor_split(size())[rank()]


def agree(value: float) -> float:
    """What rank 0 says, for all."""
    if size() == 1:
        return value
    message = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(message, 0)
    return message.item()


def agree_on_word(word: str | None) -> str | None:
    """The command that rank 0 has found, for all."""
    return WORDS[int(agree(WORDS.index(word)))]


def mean(values: Tensor, weight: int) -> Tensor:
    """The mean over the team, where this process counts ``weight`` times."""
    if size() == 1:
        return values
    total = torch.cat([values * weight, values.new_tensor([weight])])
    dist.all_reduce(total)
    return total[:-1] / total[-1]


def share_out(work: Callable[[list[Tensor]], list[Tensor]], tensors: list[Tensor]) -> list[Tensor]:
    """``work(tensors)``, a result like each of them, where each process does its share and gets the others' results."""
    if size() == 1:
        return work(tensors)
    order = sorted(range(len(tensors)), key=lambda place: tensors[place].shape)  # everyone gets some of each size
    shares = [order[first :: size()] for first in range(size())]
    lengths = [sum(tensors[place].numel() for place in share) for share in shares]
    everything = tensors[0].new_empty(size(), max(lengths))
    mine = work([tensors[place] for place in shares[rank()]])
    padding = everything.new_zeros(max(lengths) - lengths[rank()])
    dist.all_gather(list(everything), torch.cat([*(result.flatten() for result in mine), padding]))
    results = list(tensors)
    for places, row, length in zip(shares, everything, lengths, strict=True):
        for place, flat in zip(places, row[:length].split([tensors[p].numel() for p in places]), strict=True):
            results[place] = flat.view_as(tensors[place])
    return results


def end_without_supervisor() -> None:
    """End this process if the one that holds the run's lock has died, so that the run is no longer ours to write.

    At once, because an interpreter that cleans up while torch's threads still need it can wait for them for ever
    (https://github.com/pytorch/pytorch/issues/56297).
    """
    if SUPERVISOR in os.environ and os.getppid() != int(os.environ[SUPERVISOR]):
        print("the supervisor of this process is gone", flush=True)
        os._exit(1)
