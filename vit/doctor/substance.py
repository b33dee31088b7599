"""Causes that lie in what there is to learn, and in what the model can see of it."""

from vit.doctor.case import FEW_VALIDATIONS, LATE, LOW_UPDATE, TRAIN_IMAGES, Case
from vit.doctor.findings import Evidence, Finding, Remedy
from vit.text import counted, percent

MEMORIZED = 0.2  # accuracy above chance on train images
PASSES, MANY_STEPS = 4, 200  # after which something should be known
PLACE_BLIND = 1e-4  # effect of shuffling the patches; rounding alone has 1e-6
VARIED = 0.02  # standard deviation of a probability over the images
DEAF = 0.02  # what a class token takes from others


def unlearnable(case: Case) -> Finding | None:
    """Steps are as they should be, and after several passes not even train images are known."""
    train, linear = case.latest("clean_train_accuracy", 2), case.latest("linear_accuracy")
    passes = case.step / case.plan.steps_per_epoch
    if not case.is_stuck or passes < PASSES or train is None or linear is None or case.peak_update is None:
        return None
    if case.peak_update < LOW_UPDATE or any(case.above_chance(value, TRAIN_IMAGES) for value in (train, linear)):
        return None
    return _random_labels(
        case,
        f"After {passes:.0f} passes train images are at {percent(train)}, {case.outcome}, and a linear model learns "
        "nothing either.",
        "Steps have a healthy size, so it seems that the labels say nothing about the images.",
    )


def _random_labels(case: Case, sees: str, means: str) -> Finding:
    evidence = Evidence(("clean_train_accuracy", "val_accuracy"), case.chance_accuracy, "guessing", percent=True)
    remedy = Remedy("Look at some images of the data set with their labels, and at how it was imported.")
    return Finding("labels-random", "problem", "The labels look random", sees, means, evidence, remedy)


def memorized(case: Case) -> Finding | None:
    """Train images are known by heart, and nothing of it helps with others."""
    train = case.latest("clean_train_accuracy", 2)
    if not case.is_stuck or train is None or train < case.chance_accuracy + MEMORIZED:
        return None
    return _random_labels(
        case,
        f"Train images reach {percent(train)}, but {case.outcome}.",
        "What the labels of the training images say does not hold for other images: they may be shuffled or wrong.",
    )


def placeless(case: Case) -> Finding | None:
    """The model can't tell places apart, and is worse than a linear model that can."""
    effect, linear = case.values("place_effect"), case.latest("linear_accuracy")
    if case.progress < LATE or len(effect) < FEW_VALIDATIONS or max(effect[-FEW_VALIDATIONS:]) > PLACE_BLIND:
        return None
    if linear is None or case.best_accuracy > linear - 0.1:
        return None
    has_positions = case.config.model.pos_embed != "none"
    if has_positions and (case.latest("prediction_spread") or 0) < VARIED:  # it says the same of every image
        return None
    chosen = "sincos2d" if has_positions else "learned"
    return Finding(
        "positions",
        "problem",
        "The model does not know where patches are",
        f"Shuffling the patches changes no prediction; {case.outcome}, and a linear model, which knows places, "
        f"reaches {percent(linear)}.",
        "Place matters in this data, and without positions attention sees a bag of patches.",
        Evidence(("val_accuracy", "linear_accuracy"), case.chance_accuracy, "guessing", percent=True),
        Remedy(f"Use {chosen} positions.", {"model.pos_embed": chosen}),
    )


def deaf_class_token(case: Case) -> Finding | None:
    """The class token attends to itself alone, in every layer."""
    if not case.stays("class_token_share", DEAF) or not case.is_stuck:
        return None
    return Finding(
        "class-token",
        "problem",
        "The class token ignores the patches",
        f"In no layer it takes more than {percent(case.latest('class_token_share'))} from other tokens; "
        f"{case.outcome}.",
        "What the head reads has hardly seen the image.",
        Evidence(("class_token_share",), DEAF, "nearly nothing", percent=True),
        Remedy("Let the head read the mean of all patches.", {"model.pool": "mean"}),
    )


def stuck(case: Case) -> Finding | None:
    """No learning, and none of the known causes."""
    if not case.is_stuck or case.progress < 0.6 or case.step < MANY_STEPS:
        return None
    linear = case.latest("linear_accuracy")
    is_learnable = linear is not None and case.above_chance(linear, min(500, case.plan.num_val))
    easy = f" A linear model reaches {percent(linear)}, so there is something to learn." if is_learnable else ""
    return Finding(
        "stuck",
        "problem",
        "The model has not learned anything yet",
        f"After {counted(case.step, 'step')} {case.outcome}.",
        f"Either it needs longer or another recipe, or the labels say nothing about the images.{easy}",
        Evidence(("val_accuracy",), case.chance_accuracy, "guessing", percent=True),
        _recipe(case),
    )


def _recipe(case: Case) -> Remedy:
    recipe = {"model.stem": "resnet", "model.pool": "cls", "train.optimizer": "muon", "train.lr": 6e-3}
    settings = case.differing(recipe)
    model = case.config.model
    is_large = model.patch_size % 4 == 0 and model.image_size >= 16  # else the stem leaves one number per channel
    if is_large and ("model.stem" in settings or "train.optimizer" in settings):
        return Remedy("Use what learns fastest in small models: a convolutional stem, and Muon.", settings)
    return Remedy("Train longer, or look at some images of the data set with their labels.")
