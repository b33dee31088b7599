"""Which setting stands where. What isn't named here is behind Advanced, so that no setting is forgotten."""

from vit.config import field_info, field_names

MODEL = ("patch_size", "embed_dim", "depth", "num_heads", "stem", "pool", "pos_embed", "mlp_ratio")
TRAIN = ("lr", "batch_size", "optimizer", "schedule", "warmup", "weight_decay")
MODEL_FIELDS = tuple(f"model.{name}" for name in MODEL)
TRAIN_FIELDS = tuple(f"train.{name}" for name in TRAIN)
LENGTH_FIELDS = ("train.minutes", "train.epochs", "train.steps")  # one widget for the three
TOP_FIELDS = ("data.source", "init.checkpoint", "init.trainable", *LENGTH_FIELDS)
FOLLOWING = ("model.num_classes",)  # the data decides

LABELS = {
    "lr": "Learning rate",
    "embed_dim": "Width (embed_dim)",
    "num_heads": "Heads",
    "pool": "Head reads",
    "pos_embed": "Position",
    "mlp_ratio": "MLP ratio",
    "qkv_bias": "Bias in queries, keys, values",
    "reg_tokens": "Register tokens",
    "val_size": "Kept for validation",
    "ema_decay": "EMA decay",
    "rand_augment": "RandAugment",
    "cutmix_alpha": "CutMix alpha",
    "grad_clip": "Gradient clipping",
    "attn_drop_rate": "Attention dropout",
    "drop_rate": "Dropout",
    "drop_path_rate": "Drop path",
    "eval_every": "Validate every",
    "save_every": "Save every (s)",
    "compile": "torch.compile",
    "color_jitter": "Colour jitter",
}
STEPS = {
    "model.embed_dim": 32,
    "model.image_size": 4,
    "model.mlp_ratio": 0.5,
    "train.batch_size": 32,
    "train.lr": 1e-4,
    "train.weight_decay": 0.01,
    "train.save_every": 10.0,
}


def label(field: str) -> str:
    """A setting as the form calls it."""
    name = field.partition(".")[2]
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def advanced(section: str) -> list[str]:
    """The settings of a section that stand nowhere else."""
    placed = {*MODEL_FIELDS, *TRAIN_FIELDS, *TOP_FIELDS, *FOLLOWING}
    return [name for name in field_names() if name.startswith(f"{section}.") and name not in placed]


def kind(field: str) -> type:
    """bool, int, float or str."""
    annotation = field_info(field).annotation
    return next((cls for cls in (bool, int, float) if annotation is cls), str)


def bounds(field: str) -> tuple[float | None, float | None]:
    """The lowest and highest value that may be typed; an excluded end is told as a problem."""
    limits = {name: getattr(item, name) for item in field_info(field).metadata for name in vars_of(item)}
    return limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))


def vars_of(constraint: object) -> list[str]:
    """Which bounds a constraint sets."""
    return [name for name in ("ge", "gt", "le", "lt") if getattr(constraint, name, None) is not None]


def step(field: str, default: float) -> float:
    """How far one click on plus or minus goes."""
    if field in STEPS:
        return STEPS[field]
    if kind(field) is int:
        return 1
    return 0.05 if default < 1 else 1.0
