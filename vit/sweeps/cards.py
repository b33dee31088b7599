"""The questions that are ready to be asked."""

from typing import Any

from vit.sweeps.questions import Arm, Question


def _question(name: str, title: str, about: str, *arms: tuple[str, dict[str, Any]]) -> Question:
    first, second = (Arm(label=label, settings=settings) for label, settings in arms)
    return Question(name=name, title=title, about=about, arms=(first, second))


_ALL = [
    _question(
        "positions",
        "Do positions matter?",
        "Without an embedding of positions a ViT sees a bag of patches, in no order.",
        ("Learned positions", {"model.pos_embed": "learned"}),
        ("No positions", {"model.pos_embed": "none"}),
    ),
    _question(
        "pool",
        "Class token or mean?",
        "The head reads one extra token, or the mean of all patch tokens.",
        ("Class token", {"model.pool": "cls"}),
        ("Mean", {"model.pool": "mean"}),
    ),
    _question(
        "patch",
        "Patch 4 or 8?",
        "Smaller patches are four times as many tokens: finer, and slower.",
        ("Patch 4", {"model.patch_size": 4}),
        ("Patch 8", {"model.patch_size": 8}),
    ),
    _question(
        "optimizer",
        "Muon or AdamW?",
        "Each at a learning rate that suits it.",
        ("Muon", {"train.optimizer": "muon", "train.lr": 6e-3}),
        ("AdamW", {"train.optimizer": "adamw", "train.lr": 2e-3}),
    ),
    _question(
        "depth",
        "Does depth matter?",
        "One encoder block against four, for the same number of steps.",
        ("Depth 4", {"model.depth": 4}),
        ("Depth 1", {"model.depth": 1}),
    ),
    Question(
        name="luck",
        title="Is it luck?",
        about="The same settings twice, with other seeds: whatever differs is chance.",
        arms=(Arm(label="These seeds"), Arm(label="Other seeds", seed_shift=1000)),
    ),
]
QUESTIONS: dict[str, Question] = {question.name: question for question in _ALL}
