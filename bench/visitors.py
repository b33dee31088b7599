"""What many visitors cost: images per second of a training with 20 pages of it open against none, in turns.

    python -m bench.visitors --visitors 20 --turns 4

Visitors are sessions of the server without a browser, which would take far more from the same two cores: each opens the
run's page over a WebSocket, and then looks again at every part of it as often as the page tells a browser to.
"""

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench import machine, served
from vit.runs.directory import Run
from vit.runs.metrics import curve, read_metrics

SECONDS, SETTLE = 30, 20  # of a turn, and before it counts
LONG = ["--steps", "40000", "--set", "train.eval_every=500"]
YOUNG = 65  # seconds; pages look more often at a younger run
MOST_BYTES = 64 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--turns", type=int, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["VIT_HOME"] = home
        with served.app() as address:
            turns = watch(address, args.visitors, args.turns)
    print(machine.table([{"turn": index, **turn} for index, turn in enumerate(turns)]))
    ratio = statistics.median(turn["watched"] / turn["alone"] for turn in turns)
    print(f"watched by {args.visitors} / alone: {ratio:.3f}, the median of {len(turns)} turns")
    print(machine.write("visitors", {"visitors": args.visitors, "turns": turns, "ratio": ratio}))


def watch(address: str, visitors: int, turns: int) -> list[dict[str, float]]:
    """Train for long, alone and watched in turns."""
    vit = [sys.executable, "-m", "vit"]
    subprocess.run([*vit, "train", "--preset", "1-minute", "--run", "watched", *LONG], check=True)
    run = Run.find("watched")
    while not read_metrics(run) or read_metrics(run)[-1]["time"] < YOUNG:
        time.sleep(1)
    try:
        return [asyncio.run(turn(run, address, visitors)) for _ in range(turns)]
    finally:
        subprocess.run([*vit, "stop", "watched"], check=True)


async def turn(run: Run, address: str, visitors: int) -> dict[str, float]:
    """Speed alone, then watched, and how long the watchers wait for an answer."""
    alone = await speed(run)
    waits: list[float] = []
    sessions = [asyncio.create_task(visit(address.replace("http", "ws"), waits)) for _ in range(visitors)]
    await asyncio.sleep(SETTLE)
    first = len(waits)
    watched = await speed(run)
    for session in sessions:
        session.cancel()
    for ended in await asyncio.gather(*sessions, return_exceptions=True):
        if not isinstance(ended, asyncio.CancelledError):
            raise RuntimeError("a visitor was sent away") from ended
    later = sorted(waits[first:])
    return {"alone": alone, "watched": watched, "looks": len(later), "p95 s": later[int(0.95 * len(later))]}


async def speed(run: Run) -> float:
    """Median images per second over some time from now on."""
    before = len(read_metrics(run))
    await asyncio.sleep(SECONDS)
    return statistics.median(curve(read_metrics(run)[before:], "images_per_second")[1])


async def visit(address: str, waits: list[float]) -> None:
    """One visitor: opens the page of the run and follows it; appends how long each answer took, in seconds."""
    options = {"subprotocols": ["streamlit"], "max_size": MOST_BYTES, "origin": address.replace("ws", "http")}
    await asyncio.sleep(random.uniform(0, SETTLE / 2))  # they don't come all at once
    async with websockets.connect(f"{address}/_stcore/stream", **options) as socket:
        every = await look(socket, None, waits)
        assert every, "the page doesn't look again by itself"
        due = {fragment: time.monotonic() + seconds for fragment, seconds in every.items()}
        while True:
            fragment = min(due, key=due.__getitem__)
            await asyncio.sleep(max(0.0, due[fragment] - time.monotonic()))
            every |= await look(socket, fragment, waits)
            due[fragment] = time.monotonic() + every[fragment]


async def look(socket, fragment: str | None, waits: list[float]) -> dict[str, float]:
    """Ask for the page, or for a part that looks again by itself, and wait until its script has ended.

    Returns:
        How often the parts that were drawn want to be looked at again, in seconds, by their names.
    """
    message = BackMsg()
    message.rerun_script.query_string = "run=watched"
    message.rerun_script.page_name = "train"
    if fragment is not None:
        message.rerun_script.is_auto_rerun = True
        message.rerun_script.fragment_id = fragment
    began, every = time.perf_counter(), {}  # a page that starts over has not ended
    await socket.send(message.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await socket.recv())
        kind = answer.WhichOneof("type")
        if kind == "auto_rerun":
            every[answer.auto_rerun.fragment_id] = answer.auto_rerun.interval
        if kind == "script_finished" and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            waits.append(time.perf_counter() - began)
            return every


if __name__ == "__main__":
    main()
