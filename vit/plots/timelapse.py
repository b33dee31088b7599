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
    frames = []
    for values, caption in zip(maps, captions, strict=True):
        frame = Image.new("RGB", (size, size + CAPTION_HEIGHT), PAPER)
        frame.paste(overlay(image, values, scale=scale, size=size), (0, 0))
        ImageDraw.Draw(frame).text((size / 2, size + CAPTION_HEIGHT / 2), caption, INK, font(), "mm")
        frames.append(frame)
    buffer = io.BytesIO()
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False)
    return buffer.getvalue()
