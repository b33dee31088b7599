"""Data-parallel training with torchrun and DistributedDataParallel, on GPUs, on several machines and on one CPU.

Every process runs the same loop on its shard of each batch; gradients are averaged, so all make the same update.
Rank 0 decides and writes. Without a process group the world size is 1 and every function here is free.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vit import devices
from vit.config import TrainConfig
from vit.errors import RunError
from vit.rules import divisors

SUPERVISOR = "VIT_SUPERVISOR"  # process id of the one that launched the workers and holds the run's lock
MAX_CPU_PROCESSES = 4  # more processes add up more gradients than they save
TIMEOUT = timedelta(hours=12)  # how long a process waits for the others, such as for a slow disk
MAX_RESTARTS = 3
LOOPBACK = "127.0.0.1"  # by number, because not every machine can look up its own name
LAUNCHER_ENVIRONMENT = {
    "GLOO_SOCKET_IFNAME": "lo",
    "OMP_NUM_THREADS": "1",
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # else restarted processes find the addresses of dead ones
}
_alone = False  # whether this process computes by itself for a while, although it has a process group


def is_worker() -> bool:
    """Whether torchrun started this process."""
    return "RANK" in os.environ


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() and not _alone else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() and not _alone else 1


def max_processes(config: TrainConfig, device: torch.device) -> int:
    """How many processes to try: as many as asked for, else one per GPU, or several on the cores of a CPU.

    Several processes of one thread train small models faster on a CPU than one process of several threads.
    """
    if config.processes:
        return config.processes
    if device.type == "cuda":
        return divisors(config.batch_size, torch.cuda.device_count())[-1]
    if device.type != "cpu" or config.threads or sys.platform != "linux":
        return 1
    return divisors(config.batch_size, min(devices.usable_cores(), MAX_CPU_PROCESSES))[-1]


@contextmanager
def process_group() -> Iterator[None]:
    """Join the other workers, and leave them at the end."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=TIMEOUT)
    try:
        yield
    finally:
        leave()


def leave() -> None:
    """Destroy the process group; the others do likewise."""
    if dist.is_initialized():
        dist.destroy_process_group()


def shrink(processes: int) -> bool:
    """Go on with this many processes, the world size or 1; False for a rank that is not needed any more."""
    if processes == world_size():
        return True
    is_first = rank() == 0
    leave()
    return is_first


@contextmanager
def rank_0_alone() -> Iterator[bool]:
    """Rank 0 does something alone (it gets True) while the others wait."""
    global _alone
    is_first, _alone = rank() == 0, True
    try:
        yield is_first
    finally:
        _alone = False
    barrier()


def barrier() -> None:
    """Wait until every process is here."""
    if world_size() > 1:
        dist.barrier()


def data_parallel(network: nn.Module) -> nn.Module:
    """The network with gradients averaged over all processes."""
    if world_size() == 1:
        return network
    # The gradient of a 1 x 1 convolution comes in another memory format; it is copied, a few kilobytes.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    return DistributedDataParallel(network, gradient_as_bucket_view=True)


def shard(values: Tensor) -> Tensor:
    """The part of this rank of a tensor that has any number of rows, such as the global batch."""
    return values.tensor_split(world_size())[rank()]


def broadcast(value: float) -> float:
    """The value of rank 0, for all."""
    if world_size() == 1:
        return value
    message = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(message, 0)
    return message.item()


def weighted_mean(values: Tensor, weight: int) -> Tensor:
    """The mean over all processes, in which this one counts ``weight`` times."""
    if world_size() == 1:
        return values
    total = torch.cat([values * weight, values.new_tensor([weight])])
    dist.all_reduce(total)
    return total[:-1] / total[-1]


def average(tensors: Sequence[Tensor]) -> None:
    """Give all processes the mean over them, in place."""
    if world_size() == 1 or not tensors:
        return
    total = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(total)
    for tensor, mean in zip(tensors, (total / world_size()).split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def sharded_map(work: Callable[[list[Tensor]], list[Tensor]], tensors: list[Tensor]) -> list[Tensor]:
    """``work(tensors)``, a result of the same shape for each, computed in shards and gathered by every process."""
    if world_size() == 1:
        return work(tensors)
    order = sorted(range(len(tensors)), key=lambda place: tensors[place].shape)  # everyone gets some of each size
    shards = [order[first :: world_size()] for first in range(world_size())]
    lengths = [sum(tensors[place].numel() for place in places) for places in shards]
    everything = tensors[0].new_empty(world_size(), max(lengths))
    own = work([tensors[place] for place in shards[rank()]])
    padding = everything.new_zeros(max(lengths) - lengths[rank()])
    dist.all_gather(list(everything), torch.cat([*(result.flatten() for result in own), padding]))
    results = list(tensors)
    for places, row, length in zip(shards, everything, lengths, strict=True):
        for place, flat in zip(places, row[:length].split([tensors[p].numel() for p in places]), strict=True):
            results[place] = flat.view_as(tensors[place])
    return results


def launch(module: str, argument: str, processes: int) -> None:
    """Run ``python -m module argument`` in several processes and wait; if one dies, all start again.

    Raises:
        RunError: If they keep dying.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ |= {SUPERVISOR: str(os.getpid()), **LAUNCHER_ENVIRONMENT}
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="vit",
        rdzv_backend="c10d",
        rdzv_endpoint=f"{LOOPBACK}:0",
        local_addr=LOOPBACK,
        max_restarts=MAX_RESTARTS,
    )
    try:
        elastic_launch(config, sys.executable)("-m", module, argument)
    except SignalException:
        return  # this process was asked to end, and so were they; rank 0 has closed the record
    except ChildFailedError as error:
        raise RunError(
            f"its processes died {MAX_RESTARTS + 1} times (exit code {error.get_first_failure()[1].exitcode}); "
            "see the log. Resume it with train.processes=1"
        ) from error


def exit_if_orphaned() -> None:
    """End this process if the one that holds the run's lock has died, so that the run is no longer ours to write.

    At once, because an interpreter that cleans up while torch's threads still need it can wait for them for ever
    (https://github.com/pytorch/pytorch/issues/56297).
    """
    if SUPERVISOR in os.environ and os.getppid() != int(os.environ[SUPERVISOR]):
        print("the supervisor of this process is gone", flush=True)
        os._exit(1)
