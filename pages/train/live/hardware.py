"""What a run takes of the machine: in a line beside the speed, and as charts."""

import streamlit as st

from pages.train.live import charts
from vit import text
from vit.runs.directory import Run
from vit.runs.metrics import MetricsTail
from vit.runs.plan import Plan

CHARTS = {
    "cpu_percent": ("Processor", "% of a core", 1),
    "memory_bytes": ("Memory", "MB", 10**6),
    "gpu_percent": ("GPU", "% of the time", 1),
    "gpu_memory_bytes": ("GPU memory", "MB", 10**6),
    "images_per_second": ("Images per second", "images/s", 1),
}
HELP = (
    "All processes of this run on its machine. 100% of a core is one core at work all the time; the GPU's share is of "
    "the time in which it computes, for whichever program; its memory is what this run has reserved."
)


def line(tail: MetricsTail) -> None:
    """The latest figures in words; nothing where none was recorded."""
    cpu, memory, gpu, gpu_memory = (next(iter(tail.latest(metric)), None) for metric in list(CHARTS)[:4])
    words = [f"CPU {cpu / 100:.1f} cores"] if cpu is not None else []
    words += [f"memory {text.size(memory)}"] if memory is not None else []
    words += [f"GPU {text.percent(gpu / 100, 0)}"] if gpu is not None else []
    words += [f"GPU memory {text.size(gpu_memory)}"] if gpu_memory is not None else []
    if words:
        st.caption(f":material/memory: {' · '.join(words)}", help=HELP, width="content")


def draw(run: Run, tail: MetricsTail, plan: Plan | None) -> None:
    """A chart of each figure that was recorded, over the time of the training."""
    recorded = [metric for metric in CHARTS if tail.latest(metric)]
    if not set(recorded) - {"images_per_second"}:
        st.caption("Nothing was recorded yet of what this run takes of the machine.")
        return
    if plan:
        st.caption(f"{text.counted(plan.processes, 'process', 'processes')} of {text.counted(plan.threads, 'thread')}")
    cells = st.grid(2, min_column_width=280, gap="small")
    for metric in recorded:
        title, words, unit = CHARTS[metric]
        with cells.container(border=True, gap=None):
            st.markdown(f"**{title}** :gray[{words}]")
            charts.small(tail, metric, "time", unit=unit, key=f"{run.id}-hardware-{metric}")
