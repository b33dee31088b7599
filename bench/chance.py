"""What the verdicts of the Attention page's Why rest on, with the shipped models and every sample image.

    python -m bench.chance --draws 100 --orders 512

For every map: the verdict from all orders of its groups, which draws nothing; how often verdicts from randomly drawn
orders of patches would agree with each other; and how often RISE, which draws its masks, gets the same verdict from
other masks. For integrated gradients: the gap between their sum and the change that they should add up to.
"""

import argparse
import json
from collections import Counter

import torch
from torch import Tensor

from bench.machine import write
from vit import images, samples
from vit.explain import gradients, perturbation, scores
from vit.explain.methods import METHODS, explain
from vit.explain.perturbation import answers
from vit.explain.target import probability
from vit.predict import Predictor

MODELS = "cifar10-hybrid", "cifar10-plain"
STEPS = 16  # of the curves of drawn orders
SAME = 0.95  # share of the draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--orders", type=int, default=512, help="drawn in all; draws are taken from them")
    parser.add_argument("--rise", type=int, default=0, help="seeds of RISE's masks; slow")
    args = parser.parse_args()
    found = [measure(name, sample, args) for name in MODELS for sample in samples.list_samples()]
    summary = {
        "verdicts": Counter(verdict for one in found for verdict in one["verdicts"].values()),
        "maps": sum(len(one["verdicts"]) for one in found),
        "unsteady with so many drawn orders": {
            count: sum(one["unsteady"][count] for one in found) for count in found[0]["unsteady"]
        },
        "same verdict with one group less and one more": [sum(one["cuts"][cut] for one in found) for cut in (0, 1)],
        "beats chance turned into like chance by that": [sum(one["turned"][cut] for one in found) for cut in (0, 1)],
        "largest gap of integrated gradients": max(one["gap"] for one in found),
        "RISE, share of seeds with its most frequent verdict": [one["rise"] for one in found],
    }
    print(json.dumps(summary, indent=1))
    write("chance", {"settings": vars(args), **summary})


def measure(name: str, sample: samples.Sample, args: argparse.Namespace) -> dict:
    """One model and image, asked about the model's own answer."""
    predictor = Predictor.load(name)
    inputs = predictor.inputs([predictor.see(images.decode(sample.path.read_bytes(), sample.name).image)])
    model, target = predictor.model, int(predictor.model(inputs).argmax())
    maps = {method: explain(method, model, inputs, target) for method in METHODS}
    scored = {method: scores.score(model, inputs, target, values) for method, values in maps.items()}
    verdicts = {method: one.verdict() for method, one in scored.items()}
    cuts = [
        {method: scores.score(model, inputs, target, values, count).verdict() for method, values in maps.items()}
        for count in (scores.GROUPS - 1, scores.GROUPS + 1)
    ]
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(args.orders, model.config.num_patches, generator=generator).argsort(1)
    null = advantages(model, inputs, target, drawn)
    own = torch.cat([advantages(model, inputs, target, scores.ranked(values)) for values in maps.values()])
    change = gradients.change_from_mean(model, inputs, target)
    total = maps["integrated_gradients"].sum()
    print(name, sample.name, verdicts, flush=True)
    return {
        "verdicts": verdicts,
        "cuts": [sum(other[method] == verdict for method, verdict in verdicts.items()) for other in cuts],
        "turned": [
            sum({other[method], verdict} == {"beats chance", "like chance"} for method, verdict in verdicts.items())
            for other in cuts
        ],
        "unsteady": {count: unsteady(own, null, count, args.draws, generator) for count in (4, 64)},
        "gap": float((total - change).abs() / change.abs()),
        "rise": rise(model, inputs, target, args.rise) if args.rise else None,
    }


def advantages(model, inputs: Tensor, target: int, orders: Tensor) -> Tensor:
    """Insertion minus deletion of orders of single patches (n, P): (n,)."""
    counts = torch.linspace(0, orders.shape[1], STEPS + 1).round().long()
    first = scores.first_patches(orders, counts)  # (n, Q, P)
    kept = torch.cat([first, ~first], dim=1).flatten(0, 1)[None]
    insertion, deletion = probability(answers(model, inputs, kept), target).view(len(orders), 2, -1).unbind(1)
    return torch.trapezoid(insertion - deletion, (counts / orders.shape[1]).to(insertion))


def unsteady(own: Tensor, null: Tensor, count: int, draws: int, generator: torch.Generator) -> int:
    """How many verdicts of two standard deviations are not the same in 95 % of the draws of so many orders."""
    places = torch.rand(draws, len(null), generator=generator).argsort(1)[:, :count]
    band = 2 * torch.cat([null[places], -null[places]], dim=1).std(1)  # with the reverse of each
    verdict = (own > band[:, None]).long() - (own < -band[:, None]).long()  # (draws, maps)
    most = torch.stack([(verdict == value).float().mean(0) for value in (-1, 0, 1)]).amax(0)
    return int((most < SAME).sum())


def rise(model, inputs: Tensor, target: int, seeds: int) -> float:
    """Share of RISE's seeds that give its most frequent verdict."""
    verdicts = Counter()
    for seed in range(seeds):
        masks = perturbation.rise_masks(model.config.num_patches, seed=seed)
        verdicts[scores.score(model, inputs, target, perturbation.rise(model, inputs, target, masks)).verdict()] += 1
    return verdicts.most_common(1)[0][1] / seeds


if __name__ == "__main__":
    main()
