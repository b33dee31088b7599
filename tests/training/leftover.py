"""A member of a team that dies once, and dies again if it then finds what its dead predecessor left behind."""

import os
import sys

from torch.distributed.rendezvous import rendezvous

store, _, _ = next(rendezvous("env://"))
is_first_attempt = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
left = store.check(["address"])
store.set("address", "of a process that will be dead")
sys.exit(is_first_attempt or left)
