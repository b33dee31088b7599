"""The findings of a run, from its folder."""

from collections.abc import Sequence
from dataclasses import replace

from vit.doctor import causes
from vit.doctor.case import Case
from vit.doctor.findings import Finding
from vit.runs.changes import in_effect
from vit.runs.directory import Run
from vit.runs.metrics import read_metrics
from vit.runs.plan import read_plan
from vit.runs.status import read_status


def diagnose(run: Run, rows: Sequence[dict] | None = None) -> list[Finding]:
    """What is wrong with a run, gravest first; nothing if all is well, or if it has not begun.

    Args:
        run: The run.
        rows: Its metrics, where they have been read already.

    Raises:
        VitError: If its plan or its configuration can't be read.
    """
    plan = read_plan(run)
    if plan is None:
        return []
    status = read_status(run)
    failure = status.error.kind if status.error and status.phase == "failed" else ""
    rows = read_metrics(run) if rows is None else rows
    config = in_effect(run, rows[-1]["step"] if len(rows) else 0)
    found = causes.find(Case(rows, plan, config, failure))
    return [_with_step(finding, run) for finding in found]


def _with_step(finding: Finding, run: Run) -> Finding:
    """The remedy with the checkpoint to fork from; where there is none, or it is the end, with a new run instead."""
    remedy = finding.remedy
    if remedy.start == "new":
        return finding
    saved = run.best() if remedy.start == "best" else (run.saved() or [None])[-1]
    if saved is None:
        return replace(finding, remedy=replace(remedy, start="new"))
    return replace(finding, remedy=replace(remedy, step=saved.step))
