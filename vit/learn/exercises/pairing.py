"""Which weights of a person's module play which part, found by shape, so that their names don't matter."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

Weight = tuple[Tensor, Tensor | None]  # of a layer: its weight, and its bias if it has one
Weights = Mapping[str, Weight]
Shape = tuple[int, ...]
MOST_PAIRINGS = 200


@dataclass(frozen=True)
class Form:
    """A way to write a module: the shapes of its weights, and what it computes with them.

    A ``key`` and a ``hint`` make it a mistake. ``shapes`` follow from the arguments of the module's constructor.
    """

    shapes: Callable[..., dict[str, Shape]]
    compute: Callable[..., Tensor]  # (weights, input, *arguments)
    key: str = ""
    hint: str = ""


def layers(module: nn.Module, transposed: bool) -> Weights:
    """The weights of a module, each with its bias; parameters that are in no layer stand alone.

    Args:
        module: Whose parameters.
        transposed: Whether matrices that stand alone are used as ``x @ W``, not as a linear layer's ``x @ W.T``.
    """
    named = dict(module.named_parameters())
    found: dict[str, Weight] = {}
    for name, weight in named.items():
        if name.endswith("weight"):
            found[name] = weight, named.get(name.removesuffix("weight") + "bias")
        elif not (name.endswith("bias") and name.removesuffix("bias") + "weight" in named):
            found[name] = (weight.T if transposed and weight.ndim == 2 else weight), None
    return found


def pairings(form: Form, arguments: tuple, found: Weights) -> Iterator[tuple[Weights, set[str]]]:
    """Every way to take a form's weights from those of a module, and the names of those that were taken."""
    wanted = form.shapes(*arguments)
    fitting = [[name for name, (weight, _) in found.items() if _fits(weight, shape)] for shape in wanted.values()]
    chosen = (names for names in itertools.product(*fitting) if len({*names}) == len(names))
    for names in itertools.islice(chosen, MOST_PAIRINGS):
        weights = {
            part: (found[name][0].reshape(shape), found[name][1])
            for (part, shape), name in zip(wanted.items(), names, strict=True)
        }
        yield weights, {*names}


def _fits(weight: Tensor, shape: Shape) -> bool:
    """Whether the shapes are equal but for ones in front."""
    return _bare(tuple(weight.shape)) == _bare(shape)


def _bare(shape: Shape) -> Shape:
    return tuple(itertools.dropwhile(lambda size: size == 1, shape))
