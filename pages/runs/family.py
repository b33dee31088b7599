"""The family tree of the selected runs: who came from whom, at which step, and what was changed."""

import streamlit as st

from pages.shared.literal import literal
from vit import text
from vit.runs import family
from vit.runs.family import Member
from vit.runs.summary import Summary

MOST_MEMBERS, MOST_CHANGES = 40, 4


def draw(chosen: list[Summary], runs: list[Summary]) -> None:
    """The tree as a drawing, and the same as a list."""
    selected = [run.id for run in chosen]
    members = family.trees(runs, selected)[:MOST_MEMBERS]
    if len(members) == len(selected) and not any(member.parent for member in members):
        st.markdown("No run was forked from these, and they were not forked themselves. Fork one on its own page.")
        return
    lines = {member.id: _line(member) for member in members}
    st.mermaid_chart(_drawing(members, selected), alt="Family tree of the selected runs; the list below says the same")
    st.markdown("\n".join(f"{'  ' * member.depth}- {lines[member.id]}" for member in members))


def _line(member: Member) -> str:
    """One run of the list: its name, where it came from, what was changed, what it reached."""
    parts = [f"**{literal(member.id)}**", literal(_origin(member)), literal(_changes(member)), _reached(member)]
    return " · ".join(filter(None, parts))


def _origin(member: Member) -> str:
    if not member.parent:
        return ""
    step = member.fork_step
    return f"weights of {member.parent}" if step is None else f"from step {step:,} of {member.parent}"


def _changes(member: Member) -> str:
    pairs = family.changed(member).items()
    found = [f"{_bare(name)} {_short(there)} → {_short(here)}" for name, (there, here) in pairs]
    more = f" and {len(found) - MOST_CHANGES} more" if len(found) > MOST_CHANGES else ""
    if not found and member.parent and member.run:
        return "nothing changed"
    return ", ".join(found[:MOST_CHANGES]) + more


def _bare(name: str) -> str:
    """``lr`` for ``train.lr``."""
    return name.rpartition(".")[2].replace("_", " ")


def _short(value: object) -> str:
    return "–" if value is None else str(value)[:24]


def _reached(member: Member) -> str:
    if member.run is None:
        return "not here any more"
    accuracy = member.run.state.status.best_val_accuracy
    return member.run.state.state + (f", val accuracy {text.percent(accuracy)}" if accuracy is not None else "")


def _drawing(members: list[Member], selected: list[str]) -> str:
    """The tree in Mermaid's words. Nodes are numbered; what stands in them are names of runs, steps and figures."""
    places = {member.id: f"n{place}" for place, member in enumerate(members)}
    lines = ["flowchart LR"]
    for member in members:
        lines.append(f'{places[member.id]}["{member.id}<br/>{_reached(member)}"]')
        if member.parent in places:
            arrow = "-.->" if member.fork_step is None else "-->"
            lines.append(f'{places[member.parent]} {arrow}|"{_edge(member)}"| {places[member.id]}')
    lines += [f"style {places[name]} stroke-width:3px" for name in selected if name in places]
    return "\n".join(lines)


def _edge(member: Member) -> str:
    """Where it parts from its parent, and the names of what was changed; values stand in the list."""
    names = [_bare(name) for name in family.changed(member)][:2]
    where = "weights" if member.fork_step is None else f"step {member.fork_step:,}"
    return "<br/>".join([where, *names])
