"""What every figure is printed with: the machine, the versions, the data."""

import json
import platform
from pathlib import Path

import torch

from vit import devices

RESULTS = Path(__file__).parent / "results"


def describe() -> dict:
    """The machine as a reader needs it to place a figure."""
    return {
        "device": devices.describe().label,
        "processor": processor(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def processor() -> str:
    """The processor's name as the operating system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def write(name: str, figures: object) -> Path:
    """Keep figures beside the machine they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": describe(), "figures": figures}, indent=1) + "\n")
    return path


def table(rows: list[dict]) -> str:
    """Rows as a Markdown table."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([str(row[column]) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
