"""What it costs that nothing is lost: the share of a training's time that goes into writing and syncing its files.

    python -m bench.safety --data cifar10-images.tar.xz --preset 1-minute --minutes 2

The training is an ordinary one, in this process, with a clock around what writes: checkpoints with their SHA-256,
status, metrics, events, snapshots, and looking for commands. Only the outermost of these clocks counts.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable

from bench import machine
from vit import presets
from vit.data import catalog
from vit.rules import validate
from vit.runs import launch
from vit.runs.status import read_status
from vit.training import worker
from vit.training.recorder import Recorder

VERBS = ("status", "event", "training", "take_command", "save", "snapshot")


class TimedRecorder(Recorder):
    """Knows how many seconds each of its verbs took."""

    spent: Counter[str] = Counter()
    is_inside = False


def timed(verb: str) -> Callable:
    """A verb of the recorder with a clock around it."""
    original = getattr(Recorder, verb)

    def call(self, *arguments, **named):
        if self.is_inside:
            return original(self, *arguments, **named)
        self.is_inside, began = True, time.perf_counter()
        try:
            return original(self, *arguments, **named)
        finally:
            self.is_inside = False
            self.spent[verb] += time.perf_counter() - began

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--preset", default="1-minute", choices=presets.PRESETS)
    parser.add_argument("--minutes", type=float, default=2)
    args = parser.parse_args()
    info = catalog.describe(args.data)
    chosen = {"data.source": args.data, "model.num_classes": len(info.classes), "train.minutes": args.minutes}
    for verb in VERBS:
        setattr(TimedRecorder, verb, timed(verb))
    with tempfile.TemporaryDirectory() as home:
        os.environ["VIT_HOME"] = home
        run = launch.create(validate(presets.build(args.preset, chosen)), "safe")
        worker.train(run, validate(presets.build(args.preset, chosen)), TimedRecorder(run))
        seconds = read_status(run).seconds
    rows = [
        {"what": verb, "s": f"{spent:.3f}", "share": f"{spent / seconds:.3%}"}
        for verb, spent in TimedRecorder.spent.most_common()
    ]
    total = sum(TimedRecorder.spent.values())
    print(machine.table([*rows, {"what": "all", "s": f"{total:.3f}", "share": f"{total / seconds:.3%}"}]))
    figures = {"preset": args.preset, "seconds": seconds, "spent": dict(TimedRecorder.spent), "share": total / seconds}
    print(machine.write("safety", figures))


if __name__ == "__main__":
    main()
