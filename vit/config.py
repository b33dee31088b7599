"""The whole configuration of a run: validated, serializable, and free of torch so that pages open fast.

Two conventions save options: a length below 1 is a share (of the run, of the data), 1 and above is a count
(steps, images). Everything that depends on another field or on the data is a rule in ``vit.rules``.
"""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

LENGTHS = ("train.epochs", "train.steps", "train.minutes")  # exactly one of them is set

Rate = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


def share_or_count(value: float, total: int) -> int:
    """A value below 1 is a share of ``total``; from 1 on it is a count."""
    return round(value * total) if value < 1 else int(value)


class Section(BaseModel):
    """A frozen group of settings; unknown names, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class ModelConfig(Section):
    """The Vision Transformer of Dosovitskiy et al. 2020 (https://arxiv.org/abs/2010.11929), in timm's words."""

    image_size: int = Field(default=32, ge=4, le=1024)
    """Side of the square image the model sees, in pixels."""
    patch_size: int = Field(default=4, ge=1, le=256)
    """Side of one patch, in pixels. Smaller patches mean more tokens: finer, slower."""
    in_channels: Literal[1, 3] = 3
    """Color channels: 3 for RGB, 1 for gray."""
    num_classes: int = Field(default=10, ge=2, le=100_000)
    """How many classes to tell apart; follows the data."""
    embed_dim: int = Field(default=128, ge=4, le=8192)
    """Width: numbers per token. More can represent more, and costs quadratically."""
    depth: int = Field(default=4, ge=1, le=256)
    """Number of encoder blocks. Deeper models need longer training."""
    num_heads: int = Field(default=4, ge=1, le=256)
    """Attention heads per block; each looks at embed_dim / num_heads numbers."""
    mlp_ratio: float = Field(default=2.0, gt=0, le=16)
    """Hidden width of the MLP as a multiple of embed_dim."""
    qkv_bias: bool = True
    """Whether queries, keys and values have a bias."""
    pool: Literal["cls", "mean"] = "mean"
    """What the head reads: a class token, or the mean of all patch tokens."""
    pos_embed: Literal["learned", "sincos2d", "rope", "none"] = "learned"
    """How tokens know where they are: numbers are added to each, or every block rotates queries and keys by place
    (rope), which takes a tenth longer and generalizes better."""
    reg_tokens: int = Field(default=0, ge=0, le=64)
    """Extra tokens without a place: room for global notes (Darcet et al. 2023)."""
    stem: Literal["patch", "conv", "resnet", "resnet-deep"] = "patch"
    """The paper's linear patch projection (patch), or convolutions before it, which learn faster: three small ones
    (conv), or a small ResNet of five, twice as wide and with batch norm (resnet). resnet-deep adds one at full
    resolution: it is slower and generalizes better. Behind a ResNet only a class token keeps rollout readable."""
    patch_drop_rate: Rate = 0.0
    """Share of the patches that a training step leaves out, others for each image: steps are faster, and the model
    relies on no single patch (Liu et al. 2022)."""
    drop_rate: Rate = 0.0
    """Dropout on tokens, projections and MLPs."""
    attn_drop_rate: Rate = 0.0
    """Dropout on attention weights."""
    drop_path_rate: Rate = 0.0
    """Share of residual branches skipped in the last block; grows linearly with depth."""

    @property
    def grid_size(self) -> int:
        """Patches along one side."""
        return self.image_size // self.patch_size

    @property
    def num_patches(self) -> int:
        return self.grid_size**2

    @property
    def adds_positions(self) -> bool:
        """Whether tokens get position embeddings; rotary positions rotate queries and keys instead."""
        return self.pos_embed in ("learned", "sincos2d")

    @property
    def num_kept_patches(self) -> int:
        """Patches that a training step keeps."""
        return max(1, int(self.num_patches * (1 - self.patch_drop_rate)))

    @property
    def num_prefix_tokens(self) -> int:
        """Class token and registers, which come before the patches."""
        return (self.pool == "cls") + self.reg_tokens

    @property
    def num_tokens(self) -> int:
        """N: prefix tokens and patches."""
        return self.num_prefix_tokens + self.num_patches

    @property
    def head_dim(self) -> int:
        return self.embed_dim // self.num_heads

    @property
    def mlp_dim(self) -> int:
        return int(self.embed_dim * self.mlp_ratio)

    @property
    def is_hybrid(self) -> bool:
        """Whether convolutions come before the patch projection, as in the paper's hybrid architecture."""
        return self.stem != "patch"

    @property
    def is_resnet(self) -> bool:
        """Whether the stem is a small ResNet, which has batch norm."""
        return self.stem.startswith("resnet")

    @property
    def stem_widths(self) -> tuple[int, ...]:
        """Output channels of the convolutional stem's layers; the patch projection makes embed_dim of the last."""
        dim = 2 * self.embed_dim if self.is_resnet else self.embed_dim
        return *(max(8, dim // 2**halvings) for halvings in range(len(self.stem_pools) - 1, 0, -1)), dim

    @property
    def stem_pools(self) -> tuple[bool, ...]:
        """Which of the stem's convolutions are followed by pooling, which halves the image."""
        pools = True, True, self.patch_size % 8 == 0
        return (False, *pools) if self.stem == "resnet-deep" else pools

    @property
    def stem_residuals(self) -> tuple[bool, ...]:
        """Which of the stem's convolutions are followed by a residual one of the same width: the last two, or none."""
        return *(False for _ in self.stem_pools[:-2]), self.is_resnet, self.is_resnet

    @property
    def stem_reduction(self) -> int:
        """Factor per side by which the stem shrinks the image; the patch projection does the rest."""
        return 2 ** sum(self.stem_pools)


# What a trained model gives to one that starts from it, and therefore has to be the same in both.
ENCODER = ("embed_dim", "depth", "num_heads", "mlp_ratio", "qkv_bias", "pos_embed", "stem", "in_channels")


class DataConfig(Section):
    """Which images, and how many of them are the validation split."""

    source: str = Field(default="shapes", min_length=1, max_length=4096)
    """A data set's name, or a path to a folder or archive."""
    val_size: float = Field(default=0.1, gt=0, le=1e8)
    """Training images kept for validation: a share below 1, or a number. A small data set starts with up to a fifth."""

    def num_val(self, num_images: int) -> int:
        """Images of the validation split, of ``num_images`` that train and validation share; at least one."""
        return max(1, share_or_count(self.val_size, num_images))


class AugmentConfig(Section):
    """How training images are varied. More variation pays in longer runs and hurts in short ones."""

    flip: Literal["none", "random", "alternating"] = "alternating"
    """Mirroring: never, by chance, or every other epoch (Jordan 2024)."""
    crop_padding: int = Field(default=2, ge=0, le=64)
    """Largest random shift, in pixels."""
    color_jitter: float = Field(default=0.0, ge=0, le=1)
    """Strength of random brightness, contrast and saturation."""
    rand_augment: int = Field(default=0, ge=0, le=10)
    """Magnitude of RandAugment (two random operations per image); 0 is off."""
    random_erasing: float = Field(default=0.0, ge=0, le=1)
    """Probability of blanking a random rectangle."""
    mixup_alpha: float = Field(default=0.0, ge=0, le=10)
    """Mixup strength: blends pairs of images and their labels; 0 is off."""
    cutmix_alpha: float = Field(default=0.0, ge=0, le=10)
    """CutMix strength: pastes a rectangle of another image; 0 is off."""


class TrainConfig(Section):
    """How long, how fast and with which optimizer. Exactly one of epochs, steps and minutes is set."""

    epochs: float | None = Field(default=None, gt=0, le=100_000)
    """Length in passes over the training images."""
    steps: int | None = Field(default=None, ge=1, le=100_000_000)
    """Length in optimizer updates."""
    minutes: float | None = Field(default=None, gt=0, le=100_000)
    """Length in minutes; measured on this machine and turned into steps before the start."""
    batch_size: int = Field(default=64, ge=1, le=65_536)
    """Images per optimizer update."""
    optimizer: Literal["adamw", "sgd", "muon"] = "adamw"
    """AdamW is the safe choice; Muon learns faster per step on small ViTs."""
    lr: float = Field(default=0.001, gt=0, le=10)
    """Peak learning rate."""
    weight_decay: float = Field(default=0.05, ge=0, le=10)
    """Pull of weight matrices towards zero (biases, norms and embeddings are spared)."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD and Muon."""
    whiten: bool = False
    """From scratch, begin with a first layer that decorrelates the pixels (Jordan 2024)."""
    warmup: float = Field(default=0.1, ge=0, le=1e8)
    """Linear warm-up: a share of the run below 1, or a number of steps."""
    schedule: Literal["cosine", "linear"] = "cosine"
    """How the learning rate falls to zero after the warm-up."""
    label_smoothing: Rate = 0.1
    """Share of the target given to all classes alike."""
    grad_clip: float = Field(default=1.0, ge=0, le=1e6)
    """Largest norm of the gradient; 0 is off."""
    ema_decay: Rate = 0.0
    """Decay per step of the averaged weights used for evaluation; 0 is off."""
    eval_every: float = Field(default=0.05, gt=0, le=1e8)
    """Time between validations: a share of the run below 1, or a number of steps. In a run given in
    minutes, a share grows until validations take at most a quarter of the time."""
    patience: int = Field(default=0, ge=0, le=10_000)
    """Validations without a better accuracy, or the same with a lower loss, until the run ends early; 0 is never."""
    save_every: float = Field(default=60.0, gt=0, le=86_400)
    """Largest time between checkpoints, in seconds of work."""
    keep_all: bool = False
    """Keep every checkpoint, so that other runs can fork from any; else the best and the last two."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    threads: int = Field(default=0, ge=0, le=1024)
    """CPU threads of a process; 0 shares out the cores. Part of the result: others round differently."""
    processes: int = Field(default=0, ge=0, le=1024)
    """Processes that share each batch, on a GPU each; 0 is one GPU, or on a CPU what is measured to be fastest."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """bf16 autocast where the hardware is fast at it (auto), never, or always."""
    compile: bool = False
    """torch.compile: slow to start, then faster. Pays back in runs of many minutes."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    """Same seed, same machine, same threads: same bits."""

    def total_steps(self, steps_per_epoch: int) -> int | None:
        """The length in steps; None for a length in minutes, which depends on the machine."""
        if self.epochs is not None:
            return max(1, round(self.epochs * steps_per_epoch))
        return self.steps

    def lr_at(self, step: int, total_steps: int, warmup_steps: int) -> float:
        """Learning rate of the update about to be made: linear warm-up to ``lr``, then a cosine or a line to zero."""
        if step < warmup_steps:
            return self.lr * (step + 1) / (warmup_steps + 1)
        left = 1 - (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return self.lr * (left if self.schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left)))


class InitConfig(Section):
    """What the weights start from."""

    checkpoint: str | None = Field(default=None, max_length=4096)
    """A run, a shipped model or a checkpoint file to continue from; empty means from scratch."""
    trainable: Literal["all", "head"] = "all"
    """Train everything, or only the new head on frozen features."""
    frozen_blocks: int = Field(default=0, ge=0, le=256)
    """Leave the patch embedding, the positions and the first so many blocks as they are; 0 trains all."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Factor on the learning rate from each layer to the one before it (BEiT, timm); 1 is the same rate for all."""


class RunConfig(Section):
    """Everything that decides what a run computes."""

    schema_version: Literal[1] = SCHEMA_VERSION
    preset: str = Field(default="custom", max_length=64)
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    train: TrainConfig = TrainConfig(epochs=5)
    init: InitConfig = InitConfig()

    def to_json(self) -> dict:
        return self.model_dump(mode="json")


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in RunConfig.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}


def field_info(dotted: str):
    """The pydantic field behind a dotted name such as ``train.lr``.

    Raises:
        KeyError: If there is no such setting.
    """
    section, _, name = dotted.partition(".")
    return SECTIONS[section].model_fields[name]


def field_names() -> list[str]:
    """Every setting, dotted: ``model.image_size``, ``data.source``, ..."""
    return [f"{section}.{name}" for section, cls in SECTIONS.items() for name in cls.model_fields]


def choices(dotted: str) -> tuple:
    """The allowed values of a setting that is a choice, or an empty tuple."""
    return get_args(field_info(dotted).annotation) if "Literal" in str(field_info(dotted).annotation) else ()


def merge(config: dict, overrides: Mapping[str, object]) -> dict:
    """A copy of a raw configuration with dotted overrides applied; nothing is checked here."""
    merged = json.loads(json.dumps(config))
    for dotted, value in overrides.items():
        section, _, name = dotted.partition(".")
        group = merged.get(section)
        merged[section] = (group if isinstance(group, dict) else {}) | {name: value}
    return merged
