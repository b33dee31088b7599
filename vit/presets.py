"""Ready-made configurations. Each says what it is for and what it was measured to reach."""

from dataclasses import dataclass, field

from vit import models
from vit.config import LENGTHS, DataConfig, RunConfig, TrainConfig, merge, share_or_count
from vit.data.store import DatasetInfo

DEFAULT, GPU_DEFAULT = "5-minutes", "gpu-best"
VAL_PER_CLASS = 10  # validation images of each class that are wanted
MOST_VAL = 0.2  # share of a small data set that is given for them
FINER = 10.0  # by which the learning rate is divided where a trained model is the start
_CPU, _GPU = ("cpu", "mps"), ("cuda",)
_RECIPE = {
    "train.optimizer": "muon",
    "train.lr": 6e-3,
    "train.schedule": "linear",
    "train.whiten": True,
    "data.val_size": 0.04,
}
_SMALL = {
    **_RECIPE,
    "model.stem": "resnet",
    "model.pool": "cls",  # behind a deep stem the rollout of a mean says nothing
    "model.patch_size": 8,
    "model.embed_dim": 64,
    "model.depth": 3,
    "train.lr": 9e-3,
}
_FINE = {
    **_RECIPE,
    "model.stem": "resnet-deep",
    "model.pool": "cls",
    "model.patch_size": 4,
    "model.embed_dim": 64,
    "model.depth": 3,
    "model.num_heads": 2,
    "train.batch_size": 128,
    "train.warmup": 0.05,
    "train.weight_decay": 0.2,
    "augment.crop_padding": 3,
}
_SMALL_REACHED = ((4.6, 0.835),)
_FINE_REACHED = ((17.6, 0.875),)


@dataclass(frozen=True)
class Preset:
    """A named starting point.

    Attributes:
        name: As on the command line.
        title: As on a button.
        purpose: What it is for, one sentence.
        measured: What it reached, on what; empty for a lesson alone.
        settings: Dotted settings that differ from the defaults.
        reached: Measured on CIFAR-10, runs of several lengths: (epochs, test accuracy), shortest first.
        devices: Where it makes sense; empty means everywhere.
        is_lesson: Whether only chapters of Learn lead to it, because nobody should train with it otherwise.
    """

    name: str
    title: str
    purpose: str
    measured: str
    settings: dict[str, object] = field(hash=False)
    reached: tuple[tuple[float, float], ...] = ()
    devices: tuple[str, ...] = ()
    is_lesson: bool = False


_ALL = [
    Preset(
        "1-minute",
        "1 minute",
        "See a Vision Transformer learn while you watch: 16 tokens behind a small ResNet.",
        "Reached 73% test accuracy on CIFAR-10 (JPEG copy) on two CPU cores, mean of three seeds.",
        {**_SMALL, "train.lr": 1.2e-2, "augment.crop_padding": 0, "train.minutes": 1, "train.eval_every": 0.1},
        reached=((0.8, 0.733),),
        devices=_CPU,
    ),
    Preset(
        "5-minutes",
        "5 minutes",
        "A useful model over a cup of tea: the same small network, shown more images.",
        "Reached 83% test accuracy on CIFAR-10 (JPEG copy) on two CPU cores, mean of three seeds.",
        {**_SMALL, "train.minutes": 5},
        reached=_SMALL_REACHED,
        devices=_CPU,
    ),
    Preset(
        "30-minutes",
        "30 minutes",
        "A good model on a laptop: 64 tokens, so that attention maps show more.",
        "Reached 87% test accuracy on CIFAR-10 (JPEG copy) on two CPU cores, mean of three seeds.",
        {**_FINE, "train.minutes": 30},
        reached=_FINE_REACHED,
        devices=_CPU,
    ),
    Preset(
        "gpu-quick",
        "5 epochs",
        "See a Vision Transformer learn while you watch: 16 tokens behind a small ResNet.",
        "Reached 83% test accuracy on CIFAR-10 (JPEG copy), mean of three seeds, measured on a CPU.",
        {**_SMALL, "train.epochs": 5},
        reached=_SMALL_REACHED,
        devices=_GPU,
    ),
    Preset(
        "gpu-best",
        "18 epochs",
        "A good model: 64 tokens, so that attention maps show more.",
        "Reached 87% test accuracy on CIFAR-10 (JPEG copy), mean of three seeds, measured on a CPU.",
        {**_FINE, "train.epochs": 18},
        reached=_FINE_REACHED,
        devices=_GPU,
    ),
    Preset(
        "plain",
        "Plain",
        "The paper's own architecture for five minutes: one patch projection, no convolution, the same recipe.",
        "Reached 73% test accuracy on CIFAR-10 (JPEG copy) on two CPU cores, mean of three seeds.",
        {**_RECIPE, "model.pool": "cls", "train.warmup": 0.05, "train.minutes": 5},
        reached=((1, 0.628), (2.9, 0.730), (10, 0.795)),  # the first and the last with batches of 128
    ),
    Preset(
        "tutorial",
        "Tutorial",
        "The plain ViT of the textbook: patch projection, class token, learned positions, AdamW.",
        "Reached 62% test accuracy on CIFAR-10 (JPEG copy) after five epochs, mean of three seeds.",
        {"model.pool": "cls", "train.epochs": 5},
        reached=((5, 0.616),),
    ),
    Preset(
        "fails",
        "Fails on purpose",
        "A recipe that does not learn: a high learning rate at once, no warm-up, no clipping. Learn repairs it.",
        "",
        {
            "model.pool": "cls",
            "model.patch_size": 8,
            "model.embed_dim": 64,
            "train.lr": 0.5,
            "train.weight_decay": 0.0,
            "train.warmup": 0.0,
            "train.grad_clip": 0.0,
            "train.schedule": "linear",
            "train.steps": 200,
        },
        is_lesson=True,
    ),
]
PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}


def offered(device: str) -> list[str]:
    """The names of the presets that make sense on a device, shortest first."""
    fitting = [preset for preset in _ALL if not preset.devices or device in preset.devices]
    return [preset.name for preset in fitting if not preset.is_lesson]


def default(device: str) -> str:
    """The preset to begin with on a device."""
    return GPU_DEFAULT if device in _GPU else DEFAULT


def build(
    name: str,
    overrides: dict[str, object] | None = None,
    *,
    init: str | None = None,
    data: DatasetInfo | None = None,
) -> dict:
    """A preset as a raw configuration, ready to be validated.

    Args:
        name: Of the preset.
        overrides: Dotted settings that a person chose; a length among them replaces the preset's own.
        init: Model to start from; its encoder replaces the preset's, and its weights get a learning rate that is ten
            times smaller than that of random ones.
        data: Images to train on; a small set gives more of them to validation, and gets smaller batches.

    Raises:
        KeyError: If there is no such preset.
        CheckpointError: If there is no such model.
    """
    settings, overrides = {"train.epochs": None, **PRESETS[name].settings}, dict(overrides or {})
    if any(overrides.get(length) is not None for length in LENGTHS):
        settings |= dict.fromkeys(LENGTHS)
    if init is not None:
        encoder = models.read_info(models.resolve(init)).model.model_dump(mode="json")
        settings |= {f"model.{setting}": value for setting, value in encoder.items()} | {"init.checkpoint": init}
        settings["train.lr"] = float(f"{settings.get('train.lr', TrainConfig().lr) / FINER:g}")  # as a person writes it
    if data is not None:
        settings |= {"data.source": data.name, "model.num_classes": len(data.classes)}
        settings |= _for_few_images(settings, data.counts["train"], len(data.classes))
    return {**merge(RunConfig().to_json(), settings | overrides), "preset": name}


def _for_few_images(settings: dict, num_images: int, num_classes: int) -> dict:
    """Validation split and batch size of a data set, as a preset has them if it is large enough.

    A batch has at most a quarter of the images, a power of two: an epoch of fewer steps hardly teaches anything.
    """
    val_size = settings.get("data.val_size", DataConfig().val_size)
    val_size = believable_val_size(val_size, num_images, num_classes)
    quarter = max(1, (num_images - share_or_count(val_size, num_images)) // 4)
    batch_size = min(settings.get("train.batch_size", TrainConfig().batch_size), 2 ** (quarter.bit_length() - 1))
    return {"data.val_size": val_size, "train.batch_size": batch_size}


def believable_val_size(val_size: float, num_images: int, num_classes: int) -> float:
    """A validation split whose accuracy says something: of small data sets a fifth, up to ten images of each class.

    Args:
        val_size: What is kept of a large data set, as ``DataConfig.val_size``; kept if it is as many.
        num_images: That train and validation share.
        num_classes: Of the data set.
    """
    wanted = min(VAL_PER_CLASS * num_classes, int(MOST_VAL * num_images))
    return float(wanted) if share_or_count(val_size, num_images) < wanted else val_size
