"""Draw the sample images that no free photograph was found for: airplane, ship and truck.

python bench/draw_samples.py vit/samples
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE, FINE = 384, 3  # pixels of the result, and how much larger everything is drawn
Points = list[tuple[float, float]]


class Scene:
    """A canvas in units of 1/100 of its side, drawn large and shrunk at the end."""

    def __init__(self, top: str, bottom: str, seed: int):
        self.rng = np.random.default_rng(seed)
        self.image = self.ramp(top, bottom)

    def ramp(self, top: str, bottom: str) -> Image.Image:
        """Colors running from top to bottom."""
        strip = Image.new("RGB", (1, 2))
        strip.putdata([Image.new("RGB", (1, 1), color).getpixel((0, 0)) for color in (top, bottom)])
        return strip.resize((SIDE * FINE, SIDE * FINE), Image.Resampling.BILINEAR, (0, 0.5, 1, 1.5))

    def shape(self, points: Points, light: str, dark: str | None = None, blur: float = 0.0) -> None:
        """A polygon, shaded from light above to dark below."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon([(x * SIDE * FINE / 100, y * SIDE * FINE / 100) for x, y in points], 255)
        mask = mask.filter(ImageFilter.GaussianBlur(blur * FINE)) if blur else mask
        box = mask.getbbox() or (0, 0, 1, 1)
        colors = Image.new("RGB", self.image.size)
        colors.paste(self.ramp(light, dark or light).resize((box[2] - box[0], box[3] - box[1])), box)
        self.image.paste(colors, (0, 0), mask)

    def disc(self, x: float, y: float, radius: float, light: str, dark: str | None = None) -> None:
        angles = np.linspace(0, 2 * np.pi, 60)
        self.shape([(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles], light, dark)

    def box(self, left: float, top: float, right: float, bottom: float, light: str, dark: str | None = None) -> None:
        self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], light, dark)

    def clouds(self, top: float, bottom: float, strength: float, stretch: float = 3.0) -> None:
        """White noise of several sizes between two heights."""
        total = np.zeros((SIDE * FINE, SIDE * FINE), np.float32)
        for size in (4, 8, 16, 32):
            noise = Image.fromarray(self.rng.random((round(size * stretch), size)).astype(np.float32))
            total += np.asarray(noise.resize(total.shape[::-1], Image.Resampling.BICUBIC)) / size
        height = np.linspace(0, 100, len(total))[:, None]
        window = np.clip(np.minimum(height - top, bottom - height) / 12, 0, 1)
        mask = np.clip((total - np.median(total)) * 4, 0, 1) * window * strength * 255
        self.image.paste(Image.new("RGB", self.image.size, "white"), (0, 0), Image.fromarray(mask.astype(np.uint8)))

    def grain(self, top: float, bottom: float, strength: float, stretch: float) -> None:
        """Texture between two heights: waves, grass or asphalt."""
        rows = round((bottom - top) / 100 * SIDE * FINE)
        noise = self.rng.normal(128, strength, (max(1, rows // FINE), max(1, round(SIDE / stretch)))).clip(0, 255)
        layer = Image.new("L", self.image.size, 128)
        patch = Image.fromarray(noise.astype(np.uint8)).resize((SIDE * FINE, rows), Image.Resampling.BICUBIC)
        layer.paste(patch, (0, round(top / 100 * SIDE * FINE)))
        self.image = ImageChops.add(self.image, Image.merge("RGB", [layer] * 3), 1, -128)

    def finish(self) -> Image.Image:
        """Shrink, with the softness and noise of a photograph."""
        small = self.image.filter(ImageFilter.GaussianBlur(FINE * 0.6)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        noisy = np.asarray(small, np.float32) + self.rng.normal(0, 3, (SIDE, SIDE, 1))
        return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def airplane() -> Image.Image:
    scene = Scene("#3f7fc4", "#bcd9ef", seed=1)
    scene.clouds(35, 100, 0.8)
    scene.shape([(57, 47), (70, 27), (75, 27), (69, 49)], "#b9c2cb", "#8d98a3")  # far wing
    body = [
        (8, 55),
        (12, 50),
        (20, 47.5),
        (70, 46),
        (84, 45),
        (94, 42),
        (92, 47),
        (80, 53),
        (66, 57),
        (20, 60),
        (11, 59),
    ]
    scene.shape(body, "#ffffff", "#9fabb8")
    scene.shape([(78, 46), (87, 27), (94, 26), (92, 44)], "#d8453b", "#a52a25")  # fin
    scene.shape([(80, 48), (95, 50), (98, 54), (92, 54)], "#dfe5ea", "#98a3af")  # tailplane
    scene.shape([(36, 56), (54, 55), (80, 74), (73, 75)], "#e6ebf0", "#8a96a3")  # near wing
    for x, y in ((46, 64), (58, 70)):
        scene.shape(
            [(x - 5, y - 2), (x + 5, y - 2), (x + 6, y + 1), (x + 3, y + 3), (x - 5, y + 3)], "#d7dde3", "#66717d"
        )
    for x in np.arange(22, 72, 2.6):
        scene.box(x, 50.2, x + 1.2, 51.8, "#33485c")
    scene.shape([(11, 52), (16, 50), (17, 52.4), (11, 53.6)], "#2c3d4e")  # cockpit
    scene.shape([(14, 56), (82, 50.5), (78, 53), (16, 57.6)], "#d8453b")  # stripe
    return scene.finish()


def ship() -> Image.Image:
    scene = Scene("#8db9df", "#e3eef5", seed=2)
    scene.clouds(0, 45, 0.7)
    scene.shape([(0, 52), (100, 52), (100, 100), (0, 100)], "#4f86a6", "#123f5e")
    scene.grain(52, 100, 26, 9)
    scene.shape([(4, 50), (96, 47), (90, 68), (13, 68)], "#2b3440", "#171c24")  # hull
    scene.shape([(11.5, 64), (91.5, 64), (89, 70), (13, 70)], "#b23a2e", "#7c231b")
    scene.box(14, 26, 27, 50, "#ffffff", "#ccd4db")  # bridge
    scene.box(11, 30, 30, 33, "#f4f6f8", "#c2cad2")
    for row in (35, 39, 43):
        for x in np.arange(15.5, 26, 2.6):
            scene.box(x, row, x + 1.4, row + 1.6, "#3a5166")
    scene.box(18, 17, 24, 27, "#e2a33a", "#b67a1f")  # funnel
    scene.box(18, 19, 24, 21.5, "#2b3440")
    palette = ["#c8503f", "#2f6f9f", "#dca13c", "#5d8a57", "#8c5a7a", "#b9bfc6"]
    for column, x in enumerate(np.arange(32, 84, 8.6)):
        for level in range(2 + (column % 3 != 0)):
            color = palette[(column * 2 + level * 3) % len(palette)]
            scene.box(x, 43.5 - 5.2 * level, x + 8, 48.5 - 5.2 * level, color)
    scene.box(89, 36, 89.8, 48, "#dfe5ea")  # mast
    wake = [(0, 69), (100, 68), (100, 70), (60, 72), (30, 71.5), (0, 73)]
    scene.shape(wake, "#e9f2f7", "#9fbfd0", blur=1.5)
    return scene.finish()


def truck() -> Image.Image:
    scene = Scene("#79aede", "#dfeaf2", seed=3)
    scene.clouds(0, 40, 0.8)
    scene.shape([(0, 48), (22, 40), (45, 46), (70, 38), (100, 45), (100, 62), (0, 62)], "#7f9b74", "#5f8250")
    scene.box(0, 56, 100, 72, "#7fa05a", "#5d8040")
    scene.grain(56, 72, 18, 2)
    scene.box(0, 70, 100, 100, "#6d7177", "#4c5056")
    scene.grain(70, 100, 8, 1)
    scene.shape([(8, 84), (94, 84), (96, 88), (6, 88)], "#33363a", "#3c4045", blur=2)  # shadow
    scene.box(6, 24, 64, 73, "#f7f8f9", "#cfd5da")  # box
    scene.box(6, 52, 64, 60, "#2f6f9f", "#255a82")
    scene.box(6, 73, 92, 77, "#3a3f45", "#23272b")  # frame
    scene.shape([(66, 36), (82, 36), (88, 52), (94, 55), (94, 76), (66, 76)], "#d64b36", "#a5301f")  # cab
    scene.shape([(72, 40), (81, 40), (86, 53), (72, 53)], "#bcd6e6", "#5e7f97")  # window
    scene.box(70, 56, 70.5, 74, "#8e2a1c")
    scene.box(91, 64, 94.5, 68, "#f6e7b0")  # lamp
    scene.box(84, 73, 95.5, 77.5, "#c9ced3", "#868c93")  # bumper
    for x in (17, 30, 80):
        scene.disc(x, 80, 7.2, "#2a2c2f", "#141517")
        scene.disc(x, 80, 3.4, "#d3d8dc", "#868c93")
    return scene.finish()


IMAGES: tuple[Callable[[], Image.Image], ...] = (airplane, ship, truck)

if __name__ == "__main__":
    for draw in IMAGES:
        draw().save(Path(sys.argv[1]) / f"{draw.__name__}.jpg", quality=88)
