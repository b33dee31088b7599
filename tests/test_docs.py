"""What the documentation promises: commands that parse, files that exist, requirements that are used."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vit.__main__ import build_parser

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "vit/samples/README.md", ROOT / "bench/README.md"]
COMMANDS = {"train", "resume", "stop", "runs", "evaluate", "predict", "explain", "data", "export"}
IMPORT_NAMES = {"pillow": "PIL"}
BLOCK = re.compile(r"^```\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks() -> list[str]:
    return BLOCK.findall(README)


def examples() -> list[str]:
    return [line for line in README.splitlines() if line.startswith("python -m vit ")]


def tree() -> dict[str, str]:
    """Path of every entry of the README's tree, and its comment."""
    entries, folder = {}, ""
    for line in blocks()[-1].splitlines():
        name, comment = re.fullmatch(r"( *\S+) {2,}(.+)", line).groups()
        nested = name.startswith(" ")
        entries[(folder if nested else "") + name.strip()] = comment
        folder = folder if nested else name
    return entries


def tracked() -> list[str]:
    """Every file of the project, as git knows it."""
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout, so nobody knows which files are the project's")
    return listing.stdout.splitlines()


def children(files: list[str], folder: str) -> set[str]:
    """What lies directly in a folder: files, and folders with a slash."""
    inside = [name.removeprefix(folder) for name in files if name.startswith(folder)]
    return {folder + re.match(r"[^/]+/?", name)[0] for name in inside}


def test_the_tree_lists_what_there_is():
    files, listed = tracked(), tree()
    for folder in ("", "pages/", "vit/"):
        there = {name for name in children(files, folder) if not name.endswith("__init__.py")}
        if not folder:
            there = {name for name in there if not name.startswith(".")} - {"README.md"}
        missing = {name for name in there if name not in listed}
        assert missing == set(), f"not in the README's tree: {missing}"
    gone = {name for name in listed if name != "checkpoints/" and not (ROOT / name).exists()}
    assert gone == set(), f"in the README's tree, but not on the disk: {gone}"


def test_every_example_is_a_command_that_is_understood():
    assert {line.split()[3] for line in examples()} == COMMANDS
    for line in examples():
        assert build_parser().parse_args(line.split()[3:]).func


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(document):
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_each_line_that_sets_up_installs_requirements_that_exist():
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    for line in lines:
        assert (ROOT / re.search(r"-r (\S+)", line)[1]).is_file()
    assert lines[0].endswith("streamlit run app.py")


def test_the_checks_run_what_the_readme_runs():
    line = next(line for line in README.splitlines() if line.startswith("python3 -m venv") and "pytest" in line)
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == line.split(" && ")[-1]


def pinned(name: str) -> dict[str, str]:
    """Versions by package of a requirements file."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] not in "#-"]
    return dict(line.split("==") for line in lines)


def test_requirements_are_what_the_code_imports_and_nothing_else():
    used, local = set(), {"vit", "pages", "app"}
    for path in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "vit").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            used |= {name.partition(".")[0] for name in names}
    used -= sys.stdlib_module_names | local
    required = {IMPORT_NAMES.get(name, name) for name in pinned("requirements.txt")}
    # plotly is there for the JavaScript that it brings along, torchvision so that torch gets no mismatched partner
    unimported = {"plotly", "torchvision"}
    assert required - unimported == used - unimported


def test_requirements_are_pinned_once():
    both = [pinned("requirements.txt"), pinned("requirements-dev.txt")]
    assert all(re.fullmatch(r"[\d.]+", version) for versions in both for version in versions.values())
    assert not both[0].keys() & both[1].keys()
