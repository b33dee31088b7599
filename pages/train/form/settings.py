"""Which setting stands where, and its widget, made from what the configuration says of it.

What isn't named here is behind Advanced, so that no setting is forgotten.
"""

from typing import Any

import streamlit as st

from pages.shared.literal import literal
from vit.config import choices, field_info, field_names
from vit.errors import Problem

Problems = dict[str, list[Problem]]

MODEL = ("patch_size", "embed_dim", "depth", "num_heads", "stem", "pool", "pos_embed", "mlp_ratio")
TRAIN = ("lr", "batch_size", "optimizer", "schedule", "warmup", "weight_decay")
MODEL_FIELDS = tuple(f"model.{name}" for name in MODEL)
TRAIN_FIELDS = tuple(f"train.{name}" for name in TRAIN)
LENGTH_FIELDS = ("train.minutes", "train.epochs", "train.steps")  # one widget for the three
TOP_FIELDS = ("data.source", "init.checkpoint", "init.trainable", *LENGTH_FIELDS)
FOLLOWING = ("model.num_classes",)  # the data decides
LENGTH, UNIT = "form.length", "form.unit"

LABELS = {
    "lr": "Learning rate",
    "embed_dim": "Width (embed_dim)",
    "num_heads": "Heads",
    "pool": "Pooling",
    "pos_embed": "Position",
    "mlp_ratio": "MLP ratio",
    "qkv_bias": "QKV bias",
    "reg_tokens": "Register tokens",
    "val_size": "Validation split",
    "ema_decay": "EMA decay",
    "rand_augment": "RandAugment",
    "cutmix_alpha": "CutMix alpha",
    "grad_clip": "Gradient clipping",
    "attn_drop_rate": "Attention dropout",
    "drop_rate": "Dropout",
    "drop_path_rate": "Drop path",
    "patch_drop_rate": "Patch dropout",
    "eval_every": "Validate every",
    "save_every": "Save every (s)",
    "compile": "torch.compile",
    "color_jitter": "Color jitter",
    "layer_decay": "Layer-wise lr decay",
}
STEPS = {  # of one click on plus or minus
    "model.embed_dim": 32,
    "model.image_size": 4,
    "model.mlp_ratio": 0.5,
    "train.batch_size": 32,
    "train.lr": 1e-4,
    "train.weight_decay": 0.01,
    "train.save_every": 10.0,
    "init.layer_decay": 0.05,
}
CHAPTERS = {  # of Learn, which explain a setting
    "patches": ("model.patch_size", "model.image_size", "model.patch_drop_rate"),
    "embedding": ("model.embed_dim", "model.stem", "model.in_channels", "train.whiten"),
    "position": ("model.pos_embed",),
    "attention": ("model.num_heads", "model.qkv_bias", "model.attn_drop_rate"),
    "block": ("model.depth", "model.mlp_ratio", "model.drop_rate", "model.drop_path_rate"),
    "model": ("model.pool", "model.reg_tokens"),
    "training": tuple(
        name for name in field_names() if name.startswith(("train.", "augment.")) and name != "train.whiten"
    ),
    "fine-tuning": tuple(name for name in field_names() if name.startswith("init.")),
}


def key(field: str) -> str:
    """The session entry of a setting, which is also its widget's key."""
    return f"form.{field}"


def put(field: str, value: Any) -> None:
    """Change a setting; its widget shows it in the next run."""
    if field in LENGTH_FIELDS:
        st.session_state[UNIT], st.session_state[LENGTH] = field.removeprefix("train."), float(value)
    else:
        st.session_state[key(field)] = value


def label(field: str) -> str:
    """A setting as the form calls it."""
    name = field.partition(".")[2]
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def explanation(field: str) -> str:
    """What a setting does, with a link to the chapter that explains more."""
    chapter = next((chapter for chapter, fields in CHAPTERS.items() if field in fields), None)
    link = f" [Learn more](learn?chapter={chapter})" if chapter else ""
    return f"{field_info(field).description}{link}"


def advanced(section: str) -> list[str]:
    """The settings of a section that stand nowhere else."""
    placed = {*MODEL_FIELDS, *TRAIN_FIELDS, *TOP_FIELDS, *FOLLOWING}
    return [name for name in field_names() if name.startswith(f"{section}.") and name not in placed]


def grid(names: tuple[str, ...] | list[str], problems: Problems, given: tuple[str, ...] = ()) -> None:
    """Settings side by side; those ``given`` by a trained start are shown but can't be changed."""
    cells = st.grid(2, min_column_width=130, gap="small")
    for field in names:
        with cells.cell():
            draw(field, problems, is_given=field in given)


def draw(field: str, problems: Problems, is_given: bool = False, entry: str | None = None) -> None:
    """A setting's widget, and below it what is wrong with its value.

    Args:
        field: Dotted name of the setting.
        problems: What is wrong, by setting.
        is_given: Whether a trained start decides it.
        entry: Its session entry; the form's own if left out.
    """
    common: dict[str, Any] = {"label": label(field), "key": entry or key(field), "help": explanation(field)}
    common |= {"disabled": is_given, "persist_state": "session"}
    options = choices(field)
    if len(options) == 2:
        st.segmented_control(options=options, required=True, width="stretch", **common)
    elif options:
        st.selectbox(options=options, **common)
    elif _kind(field) is bool:
        st.toggle(**common)
    elif _kind(field) is str:
        st.text_input(**common)
    else:
        _number(field, common)
    complaints(problems.get(field, []))


def complaints(problems: list[Problem]) -> None:
    """What is wrong, where it is wrong, with the remedy as a button where there is one."""
    for place, problem in enumerate(problems):
        st.caption(f":red[:material/error: {literal(problem.message[:1].upper() + problem.message[1:])}]")
        if problem.remedy is not None:
            st.button(
                f"Use {problem.remedy}",
                key=f"remedy.{problem.field}.{place}",
                icon=":material/healing:",
                on_click=put,
                args=(problem.field, problem.remedy),
            )


def _number(field: str, common: dict) -> None:
    """A number between the setting's bounds; an excluded end can be typed and is told as a problem."""
    info, number = field_info(field), _kind(field)
    limits: dict[str, float] = {}
    for item in info.metadata:
        limits |= {end: number(getattr(item, end)) for end in ("ge", "gt", "le", "lt") if hasattr(item, end)}
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    step = number(STEPS.get(field, 1 if number is int else 0.05 if info.default < 1 else 1.0))
    form = "%d" if number is int else "%g"
    st.number_input(min_value=low, max_value=high, step=step, format=form, **common)


def _kind(field: str) -> type:
    """bool, int, float or str."""
    annotation = field_info(field).annotation
    return next((cls for cls in (bool, int, float) if annotation is cls), str)
