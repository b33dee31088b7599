"""Do question cards find what is there, and nothing where nothing is?

    python -m bench.questions --seeds 5 --repetitions 20

Known effects: the cards about positions and about depth, on the built-in shapes. The null: two arms that differ in
nothing but a shifted seed, in so many repetitions with seeds of their own. Its runs are shorter, and have a stem that
learns sooner, so that two hundred of them take minutes and still get well above chance. Beside the alarms that were
counted, how often random groups of all those pairs, with random signs, would have been an alarm.
"""

import argparse
import json
import random
import time

from bench.machine import write
from vit.cli.progress import Progress
from vit.sweeps import questions
from vit.sweeps.cards import QUESTIONS
from vit.sweeps.questions import Arm, Asked, Question
from vit.sweeps.verdict import CONFIDENCE, judge

KNOWN = ("positions", "depth")
SOON = {"model.image_size": 16, "model.patch_size": 4, "model.stem": "conv", "train.whiten": True, "train.lr": 1.2e-2}
ARMS = (Arm(label="these seeds", settings=SOON), Arm(label="other seeds", settings=SOON, seed_shift=1000))
NULL = Question(name="null", title="Is it luck?", arms=ARMS)
DRAWS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--seeds", type=int, default=questions.DEFAULT_SEEDS)
    parser.add_argument("--steps", type=int, default=questions.DEFAULT_STEPS)
    parser.add_argument("--null-steps", type=int, default=30, help="of the null")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--cards", nargs="*", default=KNOWN, choices=QUESTIONS)
    args = parser.parse_args()
    known = {name: told(answered(QUESTIONS[name], args.data, args.seeds, args.steps)) for name in args.cards}
    null = answered(NULL, args.data, args.seeds * args.repetitions, args.null_steps) if args.repetitions else None
    figures = {"settings": vars(args), "confidence": CONFIDENCE, "known": known}
    figures["null"] = alarms(null, args.seeds) if null else None
    print(json.dumps(figures, indent=1))
    write("questions", figures)


def answered(question: Question, data: str, seeds: int, steps: int) -> Asked:
    """A card's answer; what the home has of it already is not trained again."""
    asked = questions.ask(questions.propose(question, data, seeds, steps))
    if asked.missing():
        with Progress(question.name, unit="seeds") as progress:
            questions.start_and_follow(asked, progress)
    return asked


def told(asked: Asked) -> dict:
    """A card's verdict, and what it rests on."""
    verdict, pairs = asked.verdict(), asked.pairs()
    assert verdict is not None
    seconds = sum(pair.seconds for pair in pairs) / len(pairs) / 2
    accuracies = [[pair.first for pair in pairs], [pair.second for pair in pairs]]
    return {"sentence": verdict.sentence, "accuracies": accuracies, "seconds per run": round(seconds, 2)}


def alarms(asked: Asked, seeds: int) -> dict:
    """False alarms in disjoint groups of pairs, and the rate in groups drawn from all of them."""
    pairs = asked.pairs()
    differences = [pair.first - pair.second for pair in pairs]
    groups = [differences[start : start + seeds] for start in range(0, len(pairs), seeds)]
    return {
        "repetitions": len(groups),
        "false alarms": sum(is_alarm(group) for group in groups),
        "rate in drawn groups": drawn_rate(differences, seeds),
        "mean accuracy": round(sum(pair.first + pair.second for pair in pairs) / len(pairs) / 2, 4),
        "differences": [round(difference, 5) for difference in differences],
        "seconds per run": round(sum(pair.seconds for pair in pairs) / len(pairs) / 2, 2),
        "measured": time.strftime("%Y-%m-%d"),
    }


def drawn_rate(differences: list[float], seeds: int) -> float:
    """Which arm is called the first is arbitrary under the null, so signs are drawn, too."""
    draw = random.Random(0)
    groups = ([draw.choice((-1, 1)) * d for d in draw.sample(differences, seeds)] for _ in range(DRAWS))
    return round(sum(map(is_alarm, groups)) / DRAWS, 4)


def is_alarm(differences: list[float]) -> bool:
    verdict = judge(differences, "first", "second")
    return verdict is not None and verdict.is_found


if __name__ == "__main__":
    main()
