"""Making the plan of a new run; measures the machine where that decides something."""

import dataclasses

import torch

from vit.config import RunConfig
from vit.runs.speed import remember
from vit.training import hardware, measure, team
from vit.training.batches import RunData
from vit.training.plan import Plan, share_or_count, steps_in_budget, total_steps
from vit.training.recorder import Recorder

NUM_PINNED = 8


def make_plan(config: RunConfig, data: RunData, device: torch.device, recorder: Recorder) -> Plan:
    """Fix everything that a later attempt must not decide again; measures the machine where that decides something."""
    per_epoch = data.steps_per_epoch(config.train.batch_size)
    pinned = pinned_places(data)
    plan = Plan(
        total_steps=total_steps(config.train, per_epoch) or 1,
        steps_per_epoch=per_epoch,
        warmup_steps=0,
        eval_steps=1,
        num_train=len(data.train.labels),
        num_val=len(data.val.labels),
        num_test=len(data.test.labels) if data.test else 0,
        classes=data.classes,
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
        data_name=data.name,
        data_fingerprint=data.fingerprint,
        pinned=pinned,
        pinned_labels=tuple(data.val.labels[list(pinned)].tolist()),
        grid_size=config.model.grid_size,
        device=device.type,
        device_name=torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        precision=hardware.choose_precision(config.train, device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        images_per_second=None,
        minutes=config.train.minutes,
        processes=team.size(),
    )
    if config.train.minutes is not None or (team.size() > 1 and not config.train.processes):
        plan = fit_to_machine(plan, config, data, recorder)
    eval_steps = max(1, share_or_count(config.train.eval_every, plan.total_steps))
    warmup = share_or_count(config.train.warmup, plan.total_steps)
    return dataclasses.replace(plan, eval_steps=eval_steps, warmup_steps=warmup)


def fit_to_machine(plan: Plan, config: RunConfig, data: RunData, recorder: Recorder) -> Plan:
    """Measure a few steps; choose the processes, and turn minutes, if given, into a fixed number of steps."""
    recorder.status("measuring")
    found = measure.fastest(config, data, plan.precision, measure.thorough(config.train))
    images_per_second = config.train.batch_size / found.step
    plan = dataclasses.replace(
        plan, processes=found.processes, threads=found.threads, images_per_second=images_per_second
    )
    if config.train.minutes is not None:
        plan = dataclasses.replace(plan, total_steps=steps_in_budget(config, found.step, found.evaluation))
    if team.rank() == 0:
        remember(config, images_per_second)
    recorder.event("planned", f"Measured {images_per_second:,.0f} images/s{_arrangement(plan)}.")
    return plan


def _arrangement(plan: Plan) -> str:
    """What the measurement led to, in words."""
    processes = f" with {plan.processes} processes" if plan.processes > 1 else ""
    return processes + (f": {plan.minutes:g} minutes are {plan.total_steps:,} steps" if plan.minutes else "")


def pinned_places(data: RunData) -> tuple[int, ...]:
    """The first validation picture of each of the first classes, topped up with whatever comes first."""
    labels = data.val.labels.tolist()
    firsts = [labels.index(label) for label in sorted(set(labels))]
    others = [place for place in range(len(labels)) if place not in firsts]
    return tuple((firsts + others)[:NUM_PINNED])
