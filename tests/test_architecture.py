"""The folder listing is the architecture: imports go one way, and what must open fast imports no torch."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINE = sorted((ROOT / "vit").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
SLOW = ("torch", "streamlit", "pandas", "scipy")
TORCH_FREE = ["vit.config", "vit.rules", "vit.cost", "vit.presets", "vit.models", "vit.devices", "vit.images"]
TORCH_FREE += [
    "vit.runs.launch",
    "vit.runs.status",
    "vit.runs.plan",
    "vit.runs.metrics",
    "vit.doctor.diagnosis",
    "vit.runs.archive",
    "vit.runs.family",
    "vit.runs.keeping",
    "vit.data.catalog",
    "vit.data.jobs",
    "vit.jobs",
    "vit.sweeps.questions",
    "vit.sweeps.trials",
    "vit.sweeps.running",
    "vit.forecast",
    "vit.budget",
    "vit.assignment",
    "vit.learn.progress",
    "vit.export.twin.script",
    "vit.evaluation.starting",
]
TORCH_FREE += ["vit.plots.heatmap", "vit.samples", "vit.__main__"]


def imported(path: Path) -> set[str]:
    """Every module name that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return names


def offenders(paths: list[Path], *prefixes: str) -> list[str]:
    def is_banned(name: str) -> bool:
        return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)

    return [f"{path.relative_to(ROOT)}: {name}" for path in paths for name in imported(path) if is_banned(name)]


def test_the_engine_imports_neither_streamlit_nor_pages():
    assert len(ENGINE) > 30
    assert offenders(ENGINE, "streamlit", "pages", "app") == []


def test_plots_and_explanations_do_not_know_runs():
    below = [path for path in ENGINE if path.parent.name in ("plots", "explain")]
    assert below
    assert offenders(below, "vit.runs", "vit.training") == []


def test_shared_widgets_do_not_import_screens():
    shared = [path for path in PAGES if "shared" in path.parts]
    screens = [f"pages.{path.name}" for path in (ROOT / "pages").iterdir() if path.is_dir() and path.name != "shared"]
    assert offenders(shared, *screens) == []


def test_what_must_open_fast_imports_nothing_slow():
    code = f"""
import importlib, sys
for module in {TORCH_FREE}:
    importlib.import_module(module)
    print(*(f"{{module}} imports {{name}}" for name in {SLOW} if name in sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_files_stay_small_enough_to_hold_in_the_head():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in ENGINE + PAGES}
    assert {name: length for name, length in lengths.items() if length > 320} == {}


def test_no_page_hides_one_of_pythons_own_modules():
    """A page's folder can be on the module path, where ``inspect.py`` would be found before Python's."""
    assert {path.stem for path in PAGES} & set(sys.stdlib_module_names) == set()
