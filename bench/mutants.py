"""Does a test notice when one line of the engine is wrong? ``nice python -m bench.mutants``

Draws single-line mutations of the engine's core by a seed, and runs for each the fast tests that guard its file, in a
copy of the tree. Called again, it goes on where it was; survivors are asked about anew, last. Writes
``bench/results/mutants.json``. Survivors that compute the same, or change what is a matter of choice, are listed in
``bench/equivalent_mutants.json``, each with its reason.

Two libraries were tried first: mutmut changes no decorated function, property or constant (so neither ``Muon.step`` nor
``DECISIVE``), and cosmic-ray starts an interpreter for every mutant, of which importing torch and pytest takes seconds.
Here one process imports the libraries and forks for each mutant, so this runs where ``os.fork`` does.
"""

import argparse
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.mutations import Mutation, sample
from bench.torchvision_compat import prepare_torchvision

ROOT = Path(__file__).parents[1]
RESULTS, EQUIVALENT = ROOT / "bench/results/mutants.json", ROOT / "bench/equivalent_mutants.json"
COPIED = ("vit", "tests", "bench", "checkpoints/pretrained")
LIBRARIES = ("hypothesis", "timm", "captum.attr", "scipy.stats", "sklearn", "safetensors.torch", "pydantic", "xdist")
OPTIONS = ["-x", "-n", "0", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
OPTIONS += ["-m", "not slow and not browser", "-k", "not process_of_its_own and not under_a_second"]
GUARDS = {  # the fast tests of each file, the quickest first
    "vit/model.py": "test_model.py explain/test_walk.py",
    "vit/config.py": "test_config.py training/test_schedule.py training/test_initialization.py",
    "vit/cost.py": "test_cost.py",
    "vit/rules.py": "test_config.py",
    "vit/checkpoint.py": "test_checkpoint.py",
    "vit/data/draws.py": "data/test_splits.py data/test_augment.py",
    "vit/data/load.py": "data/test_load.py data/test_splits.py",
    "vit/data/augment.py": "data/test_mixing.py data/test_augment.py",
    "vit/data/photometric.py": "data/test_photometric.py data/test_augment.py",
    "vit/training/batches.py": "training/test_batches.py",
    "vit/training/loop.py": "training/test_step.py training/test_schedule.py training/test_loop.py",
    "vit/training/optimizers.py": "training/test_optimizers.py",
    "vit/training/state.py": "training/test_step.py training/test_loop.py training/test_resume.py",
    "vit/training/initialization.py": "training/test_whitening.py training/test_initialization.py",
    "vit/training/planning.py": "training/test_planning.py",
    "vit/explain/attention.py": "explain/test_attention.py",
    "vit/explain/scores.py": "explain/test_scores.py",
    "vit/explain/evidence.py": "explain/test_parts.py explain/test_evidence.py explain/test_scores.py",
    "vit/explain/gradients.py": "explain/test_parts.py explain/test_gradients.py"
    " explain/oracles/test_oracle_gradients.py::test_legrad_is_torchcams",
    "vit/explain/perturbation.py": "explain/test_parts.py explain/test_perturbation.py",
    "vit/explain/trace.py": "explain/test_trace.py explain/test_walk.py explain/test_parts.py",
    "vit/runs/plan.py": "training/test_planning.py",
    "vit/runs/metrics.py": "runs/test_records.py runs/test_metrics.py",
    "vit/runs/status.py": "runs/test_records.py runs/test_status.py",
    "vit/runs/speed.py": "runs/test_speed.py",
}


class Copy:
    """A copy of the tree in which one file at a time is wrong."""

    def __init__(self, root: Path):
        self.root = root
        for name in COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", root)
        self.seconds: dict[str, float] = {}  # processor time of each selection of tests on the right code

    def judge(self, mutation: Mutation) -> str:
        """``killed``, ``survived`` or ``timeout``, which counts as killed."""
        tests, path = GUARDS[mutation.file], self.root / mutation.file
        if tests not in self.seconds:
            self.seconds[tests] = self._undisturbed(tests)
        right = path.read_text()
        path.write_text(mutation.applied(right))
        try:
            status = self._run(tests, limit=round(5 * self.seconds[tests] + 10))
        finally:
            path.write_text(right)
        if os.WIFSIGNALED(status):
            return "timeout"
        return "killed" if status else "survived"

    def _undisturbed(self, tests: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert self._run(tests, limit=600) == 0, f"{tests} fail on the right code"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def _run(self, tests: str, limit: int) -> int:
        """The exit status of pytest in a fork of this process, which ends after ``limit`` seconds of processor time."""
        if not (child := os.fork()):
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            os._exit(self._pytest(tests))
        end = time.monotonic() + 20 * limit  # for one that sleeps
        while not (found := os.waitpid(child, os.WNOHANG))[0]:
            time.sleep(0.02)
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
        shutil.rmtree(self.root / ".hypothesis", ignore_errors=True)  # examples found on another mutant
        return found[1]

    def _pytest(self, tests: str) -> int:
        os.chdir(self.root)
        output = os.open("output.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        sys.path[0] = str(self.root)
        sys.dont_write_bytecode = True  # two versions of a file within a second would share it
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        return int(pytest.main([*OPTIONS, *(f"tests/{test}" for test in tests.split())]))


def ask(mutations: list[Mutation]) -> Iterator[tuple[Mutation, str]]:
    """Judge one after the other, with the libraries imported once for all."""
    prepare_torchvision()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        tree = Copy(Path(folder))
        for mutation in mutations:
            yield mutation, tree.judge(mutation)


def report(drawn: list[Mutation], outcomes: dict[str, str]) -> dict:
    """The score; the survivors, those that are equivalent with the reason; and every outcome, to go on from."""
    reasons = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    found = {mutation.key: outcomes[mutation.key] for mutation in drawn if mutation.key in outcomes}
    counts = Counter(found.values())
    survivors = [key for key, outcome in found.items() if outcome == "survived"]
    return {
        "mutants": counts.total(),
        **counts,
        "score": round(1 - counts["survived"] / max(1, counts.total()), 4),
        "equivalent": {key: reasons[key] for key in survivors if key in reasons},
        "unnoticed": [key for key in survivors if key not in reasons],
        "outcomes": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=100, help="when to stop; the next call goes on")
    arguments = parser.parse_args()
    drawn = sample(ROOT, list(GUARDS), arguments.count, arguments.seed)
    outcomes = json.loads(RESULTS.read_text())["figures"]["outcomes"] if RESULTS.exists() else {}
    waiting = [mutation for mutation in drawn if mutation.key not in outcomes]
    waiting += [mutation for mutation in drawn if outcomes.get(mutation.key) == "survived"]
    end = time.monotonic() + 60 * arguments.minutes
    for mutation, outcome in ask(waiting):
        print(outcome, mutation.key, flush=True)
        outcomes[mutation.key] = outcome
        RESULTS.write_text(json.dumps({"figures": report(drawn, outcomes)}))
        if time.monotonic() > end:
            break
    from bench.machine import write  # imports the engine, which no fork may inherit

    write(RESULTS.stem, figures := report(drawn, outcomes))
    print(json.dumps({name: figures[name] for name in figures if name != "outcomes"}, indent=1))


if __name__ == "__main__":
    main()
