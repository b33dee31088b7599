"""What training makes of one image: draws through a recipe, and the image mixed with others."""

from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from pages.shared.inline import data_url
from pages.shared.literal import literal
from vit import text
from vit.config import AugmentConfig
from vit.data import catalog
from vit.plots import heatmap

if TYPE_CHECKING:
    from vit.data.variations import Mixture, Variations

DRAW_SIDE, MIXTURE_SIDE = 64, 84  # pixels of an image on screen, at least
SHARPNESS = 2  # image pixels per screen pixel, for dense screens
OFF = "The recipe leaves every image as it is."


def draw(source: str, index: int, image_size: int, in_channels: int, settings: AugmentConfig) -> None:
    """A training image through the recipe ``settings``, once for each of some epochs, and mixed with others."""
    fingerprint = catalog.describe(source).fingerprint
    found = _variations(source, fingerprint, index, image_size, in_channels, settings.model_dump_json())
    st.markdown(f"**{len(found.draws)} epochs of this image** :gray[{_words(settings)}]")
    with st.grid(min_column_width=DRAW_SIDE, gap="xsmall"):
        for epoch, image in enumerate(found.draws, 1):
            st.image(_large(image), width="stretch", alt=f"{found.original.class_name}, epoch {epoch}")
    _mixed("Mixup", found.original.class_name, found.mixup, settings.mixup_alpha)
    _mixed("CutMix", found.original.class_name, found.cutmix, settings.cutmix_alpha)


def _words(settings: AugmentConfig) -> str:
    """What a recipe does, in a sentence with a phrase for each setting that is on."""
    phrases = {
        "mirrored every other epoch": settings.flip == "alternating",
        "mirrored by chance": settings.flip == "random",
        f"moved by up to {text.counted(settings.crop_padding, 'pixel')}": settings.crop_padding,
        f"color jitter {settings.color_jitter:g}": settings.color_jitter,
        f"RandAugment {settings.rand_augment}": settings.rand_augment,
        f"a rectangle erased in {text.percent(settings.random_erasing, 0)} of the epochs": settings.random_erasing,
    }
    said = ", ".join(phrase for phrase, is_on in phrases.items() if is_on)
    return f"{said[:1].upper()}{said[1:]}." if said else OFF


def _mixed(title: str, own: str, mixtures: "tuple[Mixture, ...]", alpha: float) -> None:
    """The image mixed with others in one way, with what is left of its label."""
    if not mixtures:
        return
    from vit.data.variations import SHOWN_ALPHA

    said = f"alpha {alpha:g}" if alpha else f"Off in this recipe. Alpha {SHOWN_ALPHA:g} would do this."
    st.markdown(f"**{title}** :gray[{said}]")
    with st.grid(min_column_width=MIXTURE_SIDE, gap="xsmall"):
        for one in mixtures:
            st.image(_large(one.image), _shares(own, one), width="stretch", alt=f"{own} mixed with {one.partner}")


def _shares(own: str, mixture: "Mixture") -> str:
    """The mixed label: ``cat 62%, dog 38%``."""
    shares = {own: mixture.share, mixture.partner: 1 - mixture.share}
    return ", ".join(f"{literal(name)} {text.percent(share, 0)}" for name, share in shares.items())


def _large(image: Image.Image) -> str:
    return data_url(heatmap.enlarge(image, SHARPNESS * MIXTURE_SIDE), "JPEG")


@st.cache_data(max_entries=20, show_spinner="Varying the image")
def _variations(
    source: str, fingerprint: str, index: int, image_size: int, in_channels: int, settings: str
) -> "Variations":
    from vit.data import variations  # here, because it needs torch

    return variations.of_image(source, index, image_size, in_channels, AugmentConfig.model_validate_json(settings))
