"""One number on a line from -1 to 1, beside the band that chance reaches."""

from PIL import Image, ImageDraw

from vit.plots.heatmap import TEXT_COLOR, TRANSPARENT

HEIGHT, FINENESS = 28, 2  # pixels; drawn larger and scaled down for smooth edges
BAND_COLOR, MARK_COLOR = (128, 128, 128, 110), (15, 143, 132, 255)  # both readable on white and on black


def draw(value: float, low: float, high: float, *, width: int = 240) -> Image.Image:
    """Draw the strip.

    Args:
        value: What was measured, in [-1, 1].
        low: Where the band begins.
        high: Where it ends.
        width: In pixels.
    """
    large = (width * FINENESS, HEIGHT * FINENESS)
    image = Image.new("RGBA", large, TRANSPARENT)
    pen, middle, radius = ImageDraw.Draw(image), large[1] / 2, large[1] * 0.36

    def place(number: float) -> float:
        return radius + (min(1.0, max(-1.0, number)) + 1) / 2 * (large[0] - 2 * radius)

    pen.rectangle((place(low), 4, place(high), large[1] - 4), BAND_COLOR)
    pen.line((place(-1), middle, place(1), middle), TEXT_COLOR, 1)
    pen.line((place(0), 0, place(0), large[1]), TEXT_COLOR, 2)
    pen.ellipse((place(value) - radius, middle - radius, place(value) + radius, middle + radius), MARK_COLOR)
    return image.resize((width, HEIGHT), Image.Resampling.LANCZOS)
