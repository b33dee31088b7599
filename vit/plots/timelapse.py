"""Attention over the course of training as a GIF that any program plays."""

import io

from PIL import Image, ImageDraw

from vit.plots.heatmap import font, overlay
from vit.plots.scale import attention

CAPTION_HEIGHT, INK, PAPER = 28, "#222222", "white"
FRAME_MS, LAST_MS = 300, 1500


def gif(image: Image.Image, maps: list, captions: list[str], num_tokens: int, size: int = 320) -> bytes:
    """One frame per map, all on one scale.

    Args:
        image: What lies below the maps; square.
        maps: One (g, g) of attention shares per frame.
        captions: As many, written below.
        num_tokens: N, prefix tokens included.
        size: Side of the image in pixels.
    """
    scale = attention(num_tokens)
    frames = [
        _captioned(overlay(image, values, scale=scale, size=size), caption)
        for values, caption in zip(maps, captions, strict=True)
    ]
    buffer = io.BytesIO()
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False)
    return buffer.getvalue()


def _captioned(image: Image.Image, caption: str) -> Image.Image:
    sheet = Image.new("RGB", (image.width, image.height + CAPTION_HEIGHT), PAPER)
    sheet.paste(image, (0, 0))
    middle = (image.width / 2, image.height + CAPTION_HEIGHT / 2)
    ImageDraw.Draw(sheet).text(middle, caption, INK, font(), "mm")
    return sheet
