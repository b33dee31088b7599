"""Names for runs that are easy to say and remember."""

import random
import time

from vit import paths

QUALITIES = (
    "able bold brave bright brisk calm clear clever cosy eager fair fast fine fond glad keen kind light "
    "lively lucky merry mild neat nimble noble proud quick quiet ready sharp shy sleek smart solid sunny "
    "swift tidy warm wise witty "
).split()
ANIMALS = (
    "badger bear beaver bison crane deer dingo dove eagle egret falcon ferret finch fox gecko heron ibis "
    "jay koala lark lemur lynx marten mole moose newt ocelot otter owl panda puffin quail raven robin "
    "seal shrew stoat stork swan tapir tiger toad vole walrus weasel wolf wren yak zebra "
).split()


def new_id() -> str:
    """A name that no run has yet, such as ``quick-otter``."""
    for _ in range(100):
        name = f"{random.choice(QUALITIES)}-{random.choice(ANIMALS)}"
        if not (paths.runs_root() / name).exists():
            return name
    return f"{name}-{time.time_ns():x}"
