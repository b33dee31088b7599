"""From images to class probabilities, with a model that is loaded once and then only read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vit import checkpoint, images
from vit.data.augment import normalize
from vit.errors import CheckpointError
from vit.explain.trace import Trace, trace
from vit.images import DecodedImage
from vit.model import VisionTransformer
from vit.models import ModelInfo

BATCH_SIZE = 64  # bounds memory however many images are given


@dataclass(frozen=True)
class Prediction:
    """What a model says about one image."""

    name: str  # the image's
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]  # one per class; they sum to 1
    seen: Image.Image  # what the model looked at, at its own size
    box: tuple[int, int, int, int]  # (left, top, right, bottom) of that part in the original image, in pixels
    note: str | None = None  # what decoding had to decide, such as "first of 12 frames"

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest classes with their probabilities, likeliest first; ties keep the classes' order."""
        pairs = zip(self.classes, self.probabilities, strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])[:k]


@dataclass(frozen=True)
class Predictor:
    """A model ready to predict. It holds no state between calls, so several threads may share one."""

    model: VisionTransformer
    info: ModelInfo
    device: str = "cpu"

    @classmethod
    def load(cls, model: str | Path, device: str = "cpu") -> "Predictor":
        """Load a run, a shipped model's name, or a checkpoint file.

        Raises:
            CheckpointError: If there is no such model or its file is damaged.
        """
        network, info = checkpoint.load_with_info(model)
        return cls(network.to(device).requires_grad_(False), info, device)

    def predict(self, named: list[tuple[str, DecodedImage]]) -> list[Prediction]:
        """Predict named images, in their order."""
        predictions = []
        for start in range(0, len(named), BATCH_SIZE):
            batch = named[start : start + BATCH_SIZE]
            seen = [self.see(image.image) for _, image in batch]
            with torch.inference_mode():
                logits = self.model(self.inputs(seen))
            predictions += self.predictions(batch, seen, logits)
        return predictions

    def explain(self, name: str, image: DecodedImage) -> tuple[Prediction, Trace]:
        """Predict one image and keep what the model computed on the way, in main memory."""
        seen = [self.see(image.image)]
        result = trace(self.model, self.inputs(seen))
        return self.predictions([(name, image)], seen, result.logits)[0], result.cpu()

    def see(self, image: Image.Image) -> Image.Image:
        """The part of an image that the model looks at, at its own size and in its own colors."""
        fitted = images.fit(image, self.info.model.image_size)
        return fitted if self.info.model.in_channels == 3 else fitted.convert("L")

    def inputs(self, seen: list[Image.Image]) -> Tensor:
        """Images from ``see``, normalized as in training: (B, C, H, W) on the model's device."""
        pixels = np.stack([images.to_array(image, self.info.model.in_channels) for image in seen])
        mean, std = (torch.tensor(values, device=self.device) for values in (self.info.mean, self.info.std))
        return normalize(torch.from_numpy(pixels).to(self.device), mean, std)

    def image(self, inputs: Tensor) -> Image.Image:
        """The first of some normalized inputs as an image again; the inverse of ``inputs``."""
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (self.info.mean, self.info.std))
        pixels = ((inputs[0].cpu() * std + mean) * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
        return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)

    def predictions(
        self, named: list[tuple[str, DecodedImage]], seen: list[Image.Image], logits: Tensor
    ) -> list[Prediction]:
        """What logits (B, K) say of named images, whose parts from ``see`` are ``seen``.

        Raises:
            CheckpointError: If they hold NaN or infinity.
        """
        check_finite(logits.numpy(force=True))
        rows = logits.float().softmax(dim=1).tolist()
        return [
            Prediction(name, self.info.classes, tuple(row), view, images.crop_box(*image.image.size), image.note)
            for (name, image), view, row in zip(named, seen, rows, strict=True)
        ]


def check_finite(logits: np.ndarray) -> None:
    """Refuse an answer that is none.

    Raises:
        CheckpointError: If it holds NaN or infinity.
    """
    if not np.isfinite(logits).all():
        raise CheckpointError(
            "this model's weights have grown so large that it answers NaN or infinity; choose an earlier checkpoint"
        )
