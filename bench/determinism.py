"""Whether a change leaves every number as it was: 20 steps of every preset, in one process and in two.

    python -m bench.determinism record before.json
    python -m bench.determinism compare before.json

Record before the change and compare after it, on the same machine: other processors round differently.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.numpy import load_file

from vit import presets
from vit.runs.directory import Run, read_lines

STEPS = 20
COMPARED = ("step", "train_loss", "train_accuracy", "grad_norm", "lr", "val_loss", "val_accuracy")
SETTINGS = ("train.threads=1", "train.eval_every=10", "train.seed=3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--presets", nargs="+", choices=presets.PRESETS, default=list(presets.PRESETS))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["VIT_HOME"] = home
        found = {f"{preset} x {n}": trained(Path(home), preset, n) for preset in args.presets for n in (1, 2)}
    if args.action == "record":
        args.file.write_text(json.dumps(found, indent=1))
        return
    reference = json.loads(args.file.read_text())
    different = [name for name in found if found[name] != reference[name]]
    print(f"{len(found) - len(different)} of {len(found)} bit-identical; different: {', '.join(different) or 'none'}")
    sys.exit(bool(different))


def trained(home: Path, preset: str, processes: int) -> dict:
    """The metrics of a run's validation steps, and a digest of its last weights and optimizer state."""
    name = f"{preset}-{processes}"
    command = ["train", "--preset", preset, "--steps", str(STEPS), "--run", name, "--follow"]
    for setting in (*SETTINGS, f"train.processes={processes}"):
        command += ["--set", setting]
    subprocess.run([sys.executable, "-m", "vit", *command], check=True, stdout=subprocess.DEVNULL)
    run = Run(home / "checkpoints" / name)
    rows = [row for row in read_lines(run.metrics_path) if "val_loss" in row]
    return {
        "metrics": [{key: row[key] for key in COMPARED if key in row} for row in rows],
        "weights": digest(run.checkpoint_path("last")),
    }


def digest(checkpoint: Path) -> str:
    """SHA-256 over the tensors alone, whatever the checkpoint says of itself."""
    tensors, hasher = load_file(checkpoint), hashlib.sha256()
    for name in sorted(tensors):
        hasher.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        hasher.update(tensors[name].tobytes())
    return hasher.hexdigest()


if __name__ == "__main__":
    main()
