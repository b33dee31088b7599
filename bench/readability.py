"""Whether a model's attention can be read: how faithful its rollout is, and whether it points at what counts.

    python -m bench.readability cifar10-hybrid cifar10-plain wise-wolf

Models trained on ``shapes``, whose objects are known to the pixel, are asked about its test images: how often the
highest patch touches the object (pointing game, Zhang et al. 2016), and how often any patch does. All are asked about
their validation images: how much the probability of their own answer owes to the patches that rollout calls important
(insertion minus deletion, 0 by chance), and for how many images the order beats 95% of all orders.
"""

import argparse
import statistics

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench import machine
from vit.checkpoint import load_with_info
from vit.data import catalog, shapes
from vit.data.augment import normalize
from vit.data.load import load
from vit.evaluation.split import choose
from vit.explain.methods import explain
from vit.explain.scores import score
from vit.model import VisionTransformer
from vit.models import ModelInfo

METHOD, BATCH = "rollout", 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--images", type=int, default=200)
    args = parser.parse_args()
    rows = [row(name, args.images) for name in args.models]
    print(machine.table(rows))
    print(machine.write("readability", {"method": METHOD, "images": args.images, "models": rows}))


def row(name: str, count: int) -> dict:
    """One model in figures."""
    model, info = load_with_info(name)
    advantages, verdicts = faithfulness(model, validation_images(info, count))
    hits, chance = pointing(model, info, count) if info.run.data.source == catalog.SHAPES.name else (None, None)
    return {
        "model": name,
        "stem": info.model.stem,
        "tokens": info.model.num_tokens,
        "insertion minus deletion": round(statistics.mean(advantages), 3),
        "beats chance": round(verdicts.count("beats chance") / len(verdicts), 3),
        "points at the object": hits,
        "any patch does": chance,
    }


def validation_images(info: ModelInfo, count: int) -> Tensor:
    """Images of all classes that the model was not trained on, normalized: (B, C, H, W)."""
    split = choose(load(info.run.data.source, info.model.image_size), "val", info)
    return normalize(spread(split.images, count), torch.tensor(info.mean), torch.tensor(info.std))


def spread(images: Tensor, count: int) -> Tensor:
    """So many of a split's images, at equal distances, because they may be sorted by class."""
    return images[torch.linspace(0, len(images) - 1, count).long()]


def faithfulness(model: VisionTransformer, inputs: Tensor) -> tuple[list[float], list[str]]:
    """Insertion minus deletion of each image's map, for the model's own answer, and the verdict on it."""
    advantages, verdicts = [], []
    for part in inputs.split(BATCH):
        target = model(part).argmax(1)
        found = score(model, part, target, explain(METHOD, model, part, target))
        advantages += found.advantage.tolist()
        verdicts += [found.verdict(image) for image in range(len(part))]
    return advantages, verdicts


def pointing(model: VisionTransformer, info: ModelInfo, count: int) -> tuple[float, float]:
    """Share of right answers whose highest patch touches the object, and share of patches that do."""
    images, labels, masks = shapes.render(np.arange(count), info.model.image_size, split="test")
    inputs = normalize(torch.from_numpy(images), torch.tensor(info.mean), torch.tensor(info.std))
    answers = model(inputs).argmax(1)
    is_right = answers == torch.from_numpy(labels)
    touched = F.max_pool2d(torch.from_numpy(masks)[:, None].float(), info.model.patch_size).flatten(1)[is_right]
    values = explain(METHOD, model, inputs[is_right], answers[is_right]).flatten(1)
    hits = touched.gather(1, values.argmax(1, keepdim=True))
    return round(hits.mean().item(), 3), round(touched.mean().item(), 3)


if __name__ == "__main__":
    with torch.inference_mode():
        main()
