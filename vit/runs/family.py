"""Who came from whom: the runs that were forked from each other, or began with each other's weights."""

from dataclasses import dataclass

from vit import paths
from vit.runs import compare
from vit.runs.compare import Values
from vit.runs.directory import Run
from vit.runs.summary import Summary

NOT_COMPARED = ("init.checkpoint", "plan.device_name", "plan.threads", "plan.torch")


@dataclass(frozen=True)
class Member:
    """One run of a family.

    Attributes:
        depth: Generations from the eldest, which has 0.
        run: None if it isn't here any more.
    """

    id: str
    depth: int
    parent: str
    run: Summary | None

    @property
    def fork_step(self) -> int | None:
        return self.run.fork_step if self.run else None


def trees(runs: list[Summary], chosen: list[str]) -> list[Member]:
    """The whole families of the chosen runs, each parent right before its children."""
    known = {run.id: run for run in runs}
    children: dict[str, list[str]] = {}
    for run in reversed(runs):  # the oldest first
        children.setdefault(run.parent, []).append(run.id)
    members: dict[str, Member] = {}
    for eldest in dict.fromkeys(_eldest(known, name) for name in chosen):
        waiting = [(eldest, 0)]
        while waiting:
            name, depth = waiting.pop()
            if name not in members:  # files that a person edited may name each other
                run = known.get(name)
                members[name] = Member(name, depth, run.parent if run and depth else "", run)
                waiting += [(child, depth + 1) for child in reversed(children.get(name, []))]
    return list(members.values())


def _eldest(known: dict[str, Summary], name: str) -> str:
    seen: set[str] = set()
    while name in known and known[name].parent and name not in seen:
        seen.add(name)
        name = known[name].parent
    return name


def changed(member: Member) -> dict[str, tuple[object, object]]:
    """What differs between a run and its parent where they part: the settings' values there and here.

    A fork is compared at its first step, a run that took only weights as both began.
    """
    if not member.parent or member.run is None:
        return {}
    step = member.fork_step or 0
    there, here = (compare.settings(Run(paths.runs_root() / name)) for name in (member.parent, member.id))
    if not there:
        return {}
    pairs = {name: (_at(there.get(name), step), _at(here.get(name), step)) for name in here}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and name not in NOT_COMPARED}


def _at(values: Values | None, step: int) -> object:
    """What a setting is once ``step`` updates are done."""
    reached = [value for start, value in values or [] if start <= step]
    return reached[-1] if reached else None
