"""What the run is doing, how far it is, and what can be done about it."""

import streamlit as st

from pages.shared import expected, heading, launching, visitor
from pages.shared.literal import literal
from pages.train.live import download, steering
from vit import text
from vit.runs import commands, queue, turn
from vit.runs.directory import Run
from vit.runs.eta import TimeLeft
from vit.runs.fork import Fork, read_fork
from vit.runs.plan import Plan
from vit.runs.status import RunState, active

PREDICT_PAGE = "pages/predict/page.py"
WORKING = ("training", "evaluating")
SOON = {
    "save": "saving a checkpoint after this step",
    "stop": "stopping after this step",
    "pause": "pausing after this step",
    "continue": "continuing",
    "evaluate": "validating after this step",
    "change": "changing settings after this step",
    "extend": "extending after this step",
}
BADGES = {
    "queued": ("gray", ":material/hourglass_empty:"),
    "running": ("primary", ":material/play_circle:"),
    "paused": ("orange", ":material/pause_circle:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "finished": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "interrupted": ("orange", ":material/power_off:"),
    "damaged": ("red", ":material/broken_image:"),
}
DOING = {
    "preparing": "Preparing the data",
    "compiling": "Compiling the training step",
    "measuring": "Measuring how fast this machine is",
    "evaluating": "Validating",
    "waiting": "Waiting for space on the disk, to save the last step",
    "paused": "Paused; the machine stays with this run until it is continued or stopped",
}


def draw(run: Run, now: RunState, left: TimeLeft | None, plan: Plan | None) -> None:
    """Name, state and actions in one row; below it the progress, or how the run ended."""
    color, icon = BADGES[now.state]
    with heading.row(literal(run.id), {"label": now.state, "color": color, "icon": icon}):
        download.menu(run)
        steering.actions(run, now)
    st.progress(now.progress, text=_progress(run, now, left))
    if came_from := read_fork(run):
        _origin(came_from)
    if visitor.is_foreign(now.launch.owner):
        st.caption(f"Launched by {literal(visitor.called(now.launch.owner))}.")
    if not now.is_alive:
        _ending(run, now, plan.num_val if plan else None)


def _origin(came_from: Fork) -> None:
    where = f"{literal(came_from.parent)} at step {came_from.step:,}"
    query = {"run": came_from.parent}
    st.page_link(launching.TRAIN_PAGE, label=f"Forked from {where}", icon=":material/fork_right:", query_params=query)


def _progress(run: Run, now: RunState, left: TimeLeft | None) -> str:
    """``epoch 2.4 of 6.0 · step 1,240 of 3,000 · 41% · 1 min 12 s left (±6 s)``."""
    if now.state == "queued":
        return _waiting(now)
    if now.state == "damaged":
        return "How far it came can't be read"
    if not now.status.total_steps:
        return DOING.get(now.status.phase, "Starting the worker") if now.is_alive else "No steps were run"
    epochs = now.status.total_epochs
    parts = [f"epoch {now.status.epoch:.1f} of {epochs:.1f}"] if epochs else []
    parts += [f"step {now.status.step:,} of {now.status.total_steps:,}", text.percent(now.progress, 0)]
    if now.is_alive:
        parts += [_left(left)] if left and now.status.phase in WORKING else []
        parts += [DOING[now.status.phase].lower()] if now.status.phase in DOING else []
        parts += [f"no better for {now.status.stale} of {now.status.patience} validations"] * bool(now.status.patience)
        parts += [SOON[command.word] for command in commands.waiting(run)[:1]]
    elif now.status.seconds:
        parts.append(f"{text.duration(now.status.seconds)} of training")
    return " · ".join(parts)


def _waiting(now: RunState) -> str:
    """Its place in the queue, and behind which run."""
    ids, first = queue.waiting(), active()
    if first is None or first.id == now.id or (now.id not in ids and first.state == "queued"):
        return "Starting the worker"
    place = f"number {ids.index(now.id) + 1} of {len(ids)} in the queue" if now.id in ids else "next in the queue"
    seconds = turn.seconds_until(now.id)
    place += f", begins in about {text.duration(seconds)}" if seconds else ""
    if first.state == "queued":
        return f"Waiting: {place}"
    return f"Waiting until {literal(first.id)} is done{' (it is paused)' * (first.state == 'paused')} · {place}"


def _left(left: TimeLeft) -> str:
    """``1 min 12 s left (±6 s)``, without the spread as long as nothing is known of it."""
    spread = f" (±{text.duration(max(1, left.spread))})" if left.spread is not None else ""
    return f"{text.duration(left.seconds)} left{spread}"


def _ending(run: Run, now: RunState, num_val: int | None) -> None:
    """What happened, what was kept, and what to do next."""
    kept, test = _kept(run, num_val), now.status.test
    if now.state == "finished":
        reached = f"Finished with {text.accuracy(now.status.best_val_accuracy, num_val)} val accuracy."
        if test is not None:
            tested = text.accuracy(test.accuracy, test.images)
            reached = f"Test accuracy {tested}; the test set is used once, at the end."
        if fine_tuned := _fine_tuned(now, num_val):
            reached = f"{reached} {fine_tuned}" if test else fine_tuned
        words = [reached, expected.grade(run, now), kept]
        st.success(" ".join(filter(None, words)), icon=":material/flag:")
        with st.container(horizontal=True, gap="small"):
            _go("Try it on an image", ":material/image_search:", PREDICT_PAGE, model=run.id)
            if now.status.first_val_accuracy is not None:
                query = {"model": run.id, "from": "Upload"}
                _go("Predict your own images", ":material/folder_open:", PREDICT_PAGE, **query)
            _go("Continue training", ":material/model_training:", launching.TRAIN_PAGE, init=run.id)
    elif now.state == "failed":
        message = literal(now.status.error.message if now.status.error else "see the log below")
        st.error(f"{message[:1].upper()}{message[1:].rstrip('.')}. {kept}", title=f"Failed at step {now.status.step:,}")
    elif now.state == "interrupted":
        how = f"The process ended unexpectedly at step {now.status.step:,}: it was killed, or the machine went down."
        st.warning(f"{how} {kept} Resume continues the run.", icon=":material/power_off:")
    elif now.state == "damaged":
        st.error(f"status.json or config.json of this run can't be read. {kept} Resume goes on from there if it can.")
    else:
        st.info(f"{now.state.capitalize()} at step {now.status.step:,}. {kept}", icon=":material/bookmark:")


def _fine_tuned(now: RunState, num_val: int | None) -> str:
    """What training has made of a trained start; nothing where the run began from scratch."""
    first, best = now.status.first_val_accuracy, now.status.best_val_accuracy
    if first is None:
        return ""
    return f"Fine-tuning took the val accuracy from {text.accuracy(first, num_val)} to {text.accuracy(best, num_val)}."


def _kept(run: Run, num_val: int | None) -> str:
    """Which checkpoints there are, in a sentence."""
    saved, best, damaged = run.saved(), run.best(), run.damaged()
    left_out = f" Damaged, and left out: {', '.join(damaged)}." if damaged else ""
    if not saved:
        return f"No checkpoint was saved yet.{left_out}"
    last = f"The last checkpoint is from step {saved[-1].step:,}"
    if best is None:
        return f"{last}.{left_out}"
    reached = f"{text.accuracy(best.val_accuracy, num_val)} val accuracy at step {best.step:,}"
    return f"{last}; the best one reached {reached}.{left_out}"


def _go(label: str, icon: str, page: str, **query: str) -> None:
    """A button rather than a link, because a link to the current page looks selected."""
    where = {"args": (page,), "kwargs": {"query_params": query}}
    st.button(label, icon=icon, on_click=st.switch_page, **where)
