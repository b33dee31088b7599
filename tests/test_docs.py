"""What the documentation promises: commands that parse, files that exist, requirements that are used."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vit.__main__ import build_parser

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
TREE = ROOT / "docs/architecture.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "vit/samples/README.md", ROOT / "bench/README.md"]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))
COMMANDS = {"train", "resume", "stop", "runs", "doctor", "evaluate", "predict", "explain", "data", "export"}
COMMANDS |= {"pause", "continue", "save", "validate", "change", "extend", "fork", "queue"}
COMMANDS |= {"sweep", "question", "budget", "verify"}
IMPORT_NAMES = {"pillow": "PIL", "nvidia-ml-py": "pynvml", "scikit-learn": "sklearn"}
BLOCK = re.compile(r"^```\n(.*?)^```", re.DOTALL | re.MULTILINE)


def examples() -> list[str]:
    pages = [README, (ROOT / "docs/command-line.md").read_text()]
    lines = [re.sub("^vit ", "python -m vit ", line) for page in pages for line in page.splitlines()]
    return [line for line in lines if line.startswith("python -m vit ")]


def tree() -> dict[str, str]:
    """Path of every entry of the tree in the documentation, and its comment."""
    entries, folder = {}, ""
    for line in BLOCK.search(TREE.read_text())[1].splitlines():
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
        assert missing == set(), f"not in the tree of {TREE.name}: {missing}"
    gone = {name for name in listed if name != "checkpoints/" and not (ROOT / name).exists()}
    assert gone == set(), f"in the tree of {TREE.name}, but not on the disk: {gone}"


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


def imported(paths: list[Path]) -> set[str]:
    """The packages of others that these files import."""
    used = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            used |= {name.partition(".")[0] for name in names}
    return used - sys.stdlib_module_names - {"vit", "pages", "app"}


ENGINE = list((ROOT / "vit").rglob("*.py"))
SCREENS = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]
# plotly is there for the JavaScript that it brings along, torchvision so that torch gets no mismatched partner
UNIMPORTED = {"torchvision"}


def test_requirements_are_what_the_code_imports_and_nothing_else():
    required = {IMPORT_NAMES.get(name, name) for name in pinned("requirements.txt")}
    assert required - UNIMPORTED == imported(ENGINE + SCREENS) - UNIMPORTED


def named(dependencies: list[str]) -> set[str]:
    """The import names of requirements such as ``pillow>=11``."""
    names = {re.match(r"[\w-]+", dependency)[0] for dependency in dependencies}
    return {IMPORT_NAMES.get(name, name) for name in names}


def test_the_package_depends_on_what_the_engine_imports_and_its_app_on_the_rest():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    engine, app = named(project["dependencies"]), named(project["optional-dependencies"]["app"])
    assert engine - UNIMPORTED == imported(ENGINE) - UNIMPORTED
    assert app - UNIMPORTED == imported(SCREENS) - engine


def test_requirements_are_pinned_once():
    both = [pinned("requirements.txt"), pinned("requirements-dev.txt")]
    assert all(re.fullmatch(r"[\d.]+", version) for versions in both for version in versions.values())
    assert not both[0].keys() & both[1].keys()
