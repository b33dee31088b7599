"""What the doctor finds in a run: nothing to see where nothing is wrong."""

import streamlit as st

from pages.shared import launching, live_chart, mistakes, visitor
from pages.shared.literal import literal
from pages.shared.live_chart import Series
from pages.train import command
from vit import rules
from vit.config import merge
from vit.doctor.diagnosis import diagnose
from vit.doctor.findings import Evidence, Finding, Remedy
from vit.doctor.vocabulary import TITLES
from vit.runs import fork
from vit.runs.directory import Run
from vit.runs.metrics import Curve, MetricsTail, Rows
from vit.runs.plan import Plan
from vit.runs.status import RunState

HELP = "Found by comparing the run's figures, and signals from inside the network, with those of trainings that failed."
HEIGHT = 160  # pixels
KINDS = ("train", "val")  # of the lines of a chart


def draw(run: Run, now: RunState, tail: MetricsTail, rows: Rows, plan: Plan | None) -> None:
    """One card with all findings, gravest first."""
    if plan is None or now.state == "damaged":
        return
    with mistakes.shown():
        validated = tail.curve("val_accuracy").x[-1:].tolist()
        found = _findings(run, (validated, now.state), rows)
        if found:
            with st.container(border=True, gap="small"):
                st.markdown("**Run doctor**", help=HELP)
                for place, finding in enumerate(found):
                    if place:
                        st.divider()
                    _finding(run, finding, tail)


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def _findings(run: Run, since: tuple[list[float], str], _rows: Rows) -> list[Finding]:
    """Anew after each validation, whose step is in ``since``, and when the run's state has changed."""
    return diagnose(run, _rows)


def _finding(run: Run, finding: Finding, tail: MetricsTail) -> None:
    """Words and remedy at the left, the curves that show it at the right."""
    left, right = st.columns([3, 2], gap="medium")
    with left.container(gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if finding.severity == "problem":
                st.badge("Problem", icon=":material/error:", color="red")
            else:
                st.badge("Hint", icon=":material/lightbulb:", color="orange")
            st.markdown(f"**{literal(finding.title)}**", width="content")
        st.markdown(f"{literal(finding.sees)} {literal(finding.means)}")
        st.markdown(f"{literal(finding.remedy.words)}")
        _remedy(run, finding)
    with right:
        _chart(run, finding, tail)


def _remedy(run: Run, finding: Finding) -> None:
    """A button that does it; nothing where no setting would help."""
    remedy, name = finding.remedy, finding.name
    if not remedy.settings:
        return
    changed = ", ".join(f"{setting} = {command.text(value)}" for setting, value in remedy.settings.items())
    if remedy.step is not None:
        label, act = f"Fork from step {remedy.step:,} with the remedy", _fork
    else:
        label, act = "New run with the remedy", _configure
    if st.button(label, key=f"doctor-{name}", icon=":material/healing:", help=changed):
        act(run, remedy)


def _fork(run: Run, remedy: Remedy) -> None:
    """Train on from a checkpoint of this run, with changed settings, and go there."""
    assert remedy.step is not None
    child = fork.fork(run.id, remedy.step, remedy.settings, owner=visitor.current())
    st.switch_page(launching.TRAIN_PAGE, query_params={"run": child.id})


def _configure(run: Run, remedy: Remedy) -> None:
    """Open the form with the settings of this run and the remedy."""
    raw = rules.read(run.config_path).to_json()
    st.switch_page(launching.TRAIN_PAGE, query_params=command.query(merge(raw, remedy.settings)))


def _chart(run: Run, finding: Finding, tail: MetricsTail) -> None:
    evidence = finding.evidence
    lines = [tail.curve(metric) for metric in evidence.metrics]
    names = [TITLES[metric] for metric in evidence.metrics]
    series = [Series(name, kind, line.x, line.y) for name, kind, line in zip(names, KINDS, lines, strict=False)]
    ends = [float(place) for line in lines for place in (*line.x[:1], *line.x[-1:])]
    if evidence.limit is not None and ends:
        series.append(Series(evidence.limit_name, "chance", [min(ends), max(ends)], [evidence.limit] * 2))
    look = {"x_title": "step", "y_title": "", "height": HEIGHT, "percent": evidence.percent}
    live_chart.draw(series, key=f"{run.id}-doctor-{finding.name}", alt=_words(names, lines, evidence), **look)


def _words(names: list[str], lines: list[Curve], evidence: Evidence) -> str:
    """The chart in words."""
    shown = [(name, line.y) for name, line in zip(names, lines, strict=True) if len(line.y)]
    ends = [f"{name} went from {y[0]:.3g} to {y[-1]:.3g}" for name, y in shown]
    limit = [f"{evidence.limit_name}: {evidence.limit:.3g}"] if evidence.limit is not None else []
    return "; ".join([*ends, *limit]) + "."
