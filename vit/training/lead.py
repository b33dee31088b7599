"""Starting a team of processes on this machine and looking after it, with torchrun's own agent."""

import os
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from vit.errors import RunError
from vit.training.team import SUPERVISOR

RESTARTS = 3
LOOPBACK = "127.0.0.1"  # by number, because not every machine can look up its own name
ENVIRONMENT = {
    "GLOO_SOCKET_IFNAME": "lo",
    "OMP_NUM_THREADS": "1",
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # else restarted processes find the addresses of dead ones
}


def lead(module: str, argument: str, processes: int) -> None:
    """Start a team on this machine and wait for its end; if one process dies, all start anew where the run stands.

    Raises:
        RunError: If they keep dying.
    """
    os.environ |= {SUPERVISOR: str(os.getpid()), **ENVIRONMENT}
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="vit",
        rdzv_backend="c10d",
        rdzv_endpoint=f"{LOOPBACK}:0",
        local_addr=LOOPBACK,
        max_restarts=RESTARTS,
    )
    try:
        elastic_launch(config, sys.executable)("-m", module, argument)
    except SignalException:
        return  # we were asked to end, and so were they; rank 0 has closed the record
    except ChildFailedError as error:
        raise RunError(
            f"its processes died {RESTARTS + 1} times (exit code {error.get_first_failure()[1].exitcode}); "
            "the log says more. Resume it with train.processes=1"
        ) from error
