"""Checks a solution: shapes, numbers, gradients, and what happens when the tokens change places.

Everything is judged by what the module computes. Its weights are random and large; the reference and each typical
mistake compute with the same ones, so the mistake is recognized by its numbers.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import ModuleType

import torch
from torch import Tensor, nn

from vit.learn.exercises import attention, block, code, errors, patch_embed, position, tasks
from vit.learn.exercises.pairing import Form, Weights, layers, pairings
from vit.learn.exercises.tasks import Task
from vit.learn.exercises.verdict import Verdict

ENGINES: dict[str, ModuleType] = {
    tasks.PATCH_EMBED.slug: patch_embed,
    tasks.POSITION.slug: position,
    tasks.ATTENTION.slug: attention,
    tasks.BLOCK.slug: block,
}
EQUIVARIANT = (tasks.ATTENTION, tasks.BLOCK)
TOLERANCE = 1e-8  # relative and absolute; double precision leaves 1e-13 or so after some layers of this size
WEIGHT_STD = 0.5  # large, because small weights make attention uniform, and mistakes would go unseen


class _Wrong(Exception):
    """A check that failed: the key of a known mistake, or "", and a hint."""

    def __init__(self, hint: str, key: str = ""):
        super().__init__(hint)
        self.hint, self.key = hint, key


def judge(task: Task, kind: type[nn.Module]) -> Verdict:
    """Check a class that somebody wrote.

    Args:
        task: What the class should do.
        kind: The class.

    Returns:
        What was right, and a hint for the first thing that was not.
    """
    return _verdict(task, lambda: kind)


def run(task: Task, text: str) -> Verdict:
    """Run a text, which only a limited process may do, and check the class in it.

    Raises:
        CodeError: If the text may not be run, or has no such class.
    """
    return _verdict(task, lambda: code.load(text, task))


def _verdict(task: Task, made: Callable[[], type[nn.Module]]) -> Verdict:
    checks: list[str] = []
    try:
        with _double_precision():
            for check in _examine(task, made()):
                checks.append(check)
    except code.CodeError:
        raise
    except _Wrong as wrong:
        return Verdict(checks=checks, mistake=wrong.key, hint=wrong.hint)
    except Exception as error:  # a person's code may raise anything
        key, hint = errors.told(error)
        return Verdict(checks=checks, mistake=key, hint=hint)
    return Verdict(passed=True, checks=checks)


@contextmanager
def _double_precision() -> Iterator[None]:
    """Double precision for new tensors, and a fixed seed for random ones."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield
    finally:
        torch.set_default_dtype(before)


def _examine(task: Task, kind: type[nn.Module]) -> Iterator[str]:
    """Yield what was found right, one sentence each; raise at the first thing that was not."""
    for number, (arguments, shape) in enumerate(ENGINES[task.slug].CASES):
        module, x = _built(kind, arguments), torch.randn(shape)
        y = _called(module, x)
        form, found, weights, used = _matched(task, module, arguments, x, y, is_first=number == 0)
        if number == 0:
            yield f"The shape is right: {_sizes(x)} becomes {_sizes(y)}."
            yield "The numbers equal the reference's, with the same weights."
            _check_gradients(module, form, weights, x, arguments)
            yield "The gradients equal the reference's, for the input and for every weight."
            _check_use(found, used)
        else:
            yield f"It works for other sizes, too: {_sizes(x)} becomes {_sizes(y)}."
    yield _moved(task, module, x)


def _built(kind: type[nn.Module], arguments: tuple) -> nn.Module:
    """An object of the class, whose weights are random and large."""
    module = kind(*arguments)
    if not isinstance(module, nn.Module):
        raise _Wrong("The class should be an `nn.Module`: `class …(nn.Module)`.", "no-module")
    module = module.double().eval()
    if not list(module.parameters()):
        raise _Wrong("The module has no weights. Make layers, or wrap tensors in `nn.Parameter`.", "no-weights")
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=WEIGHT_STD)
    return module


def _called(module: nn.Module, x: Tensor) -> Tensor:
    """The module's answer, the same when asked again, with the input left as it was."""
    given = x.clone()
    y = module(given)
    if not isinstance(y, Tensor):
        raise _Wrong(f"`forward` should return one tensor. It returns: {type(y).__name__}.", "no-tensor")
    if not torch.equal(given, x):
        hint = "`forward` changes its input in place (`+=`, `add_`, or a slice). Others still need it: make a new one."
        raise _Wrong(hint, "in-place")
    again = module(x)
    if again.shape != y.shape or not torch.equal(again, y):
        raise _Wrong("Asked twice, it gives different numbers. Is there something random in `forward`?", "random")
    return y


def _matched(task: Task, module: nn.Module, arguments: tuple, x: Tensor, y: Tensor, is_first: bool):
    """The accepted form that computes the same, with the weights that it takes from the module."""
    engine = ENGINES[task.slug]
    match = _search(engine.FORMS, module, arguments, x, y)
    if match:
        return match
    known = _search(engine.MISTAKES, module, arguments, x, y)
    if known:
        raise _Wrong(known[0].hint, known[0].key)
    raise _unknown(engine, module, arguments, x, y, is_first)


def _search(forms: Iterable[Form], module: nn.Module, arguments: tuple, x: Tensor, y: Tensor):
    """The first form that gives ``y``, the module's layers, and which of them the form uses, under which names.

    Layers in the order in which they were made come first: with queries and keys swapped, some mistakes are others.
    """
    for most in (1, None):
        for transposed in (False, True):
            found = layers(module, transposed)
            for form in forms:
                for weights, used in islice(pairings(form, arguments, found), most):
                    expected = form.compute(weights, x, *arguments)
                    if expected.shape == y.shape and torch.allclose(expected, y, TOLERANCE, TOLERANCE):
                        return form, found, weights, used
    return None


def _unknown(engine: ModuleType, module: nn.Module, arguments: tuple, x: Tensor, y: Tensor, is_first: bool) -> _Wrong:
    """What can be said of a result that is neither right nor a known mistake."""
    if not is_first:
        return _Wrong(f"It fails for the input {_sizes(x)}: is a number written in where a size belongs?", "fixed-size")
    form = engine.FORMS[0]
    pairing = next(pairings(form, arguments, layers(module, transposed=False)), None)
    if pairing is None:
        return _Wrong(_weights_wanted(form, module, arguments), "weights")
    expected = form.compute(pairing[0], x, *arguments)
    if expected.shape != y.shape:
        return _Wrong(f"The shape should be {_sizes(expected)}, and is {_sizes(y)}, for {_sizes(x)}.", "shape")
    far = (expected - y).abs().max().item()
    return _Wrong(
        f"The shape is right, the numbers are not: they differ from the reference by up to {far:.2g}. It is none of "
        "the mistakes that are known here. Compare each line with the chapter's formula."
    )


def _weights_wanted(form: Form, module: nn.Module, arguments: tuple) -> str:
    wanted = ", ".join(f"{name} {shape}" for name, shape in form.shapes(*arguments).items())
    has = ", ".join(f"{name} {tuple(weight.shape)}" for name, weight in module.named_parameters())
    return f"The weights don't fit. For {arguments} there should be weights such as: {wanted}. There are: {has}."


def _check_gradients(module: nn.Module, form: Form, weights: Weights, x: Tensor, arguments: tuple) -> None:
    """Compare with autograd of the reference, whose weights are views of the module's own."""
    inputs = [x.clone().requires_grad_(), *module.parameters()]
    y, expected = module(inputs[0]), form.compute(weights, inputs[0], *arguments)
    if not y.requires_grad:
        raise _Wrong("No gradient comes through: is there a `no_grad`, `detach` or `.data`?", "no-gradient")
    direction = torch.randn(y.shape)
    pairs = zip(
        torch.autograd.grad((y * direction).sum(), inputs, allow_unused=True, materialize_grads=True),
        torch.autograd.grad((expected * direction).sum(), inputs, allow_unused=True, materialize_grads=True),
        strict=True,
    )
    if not all(torch.allclose(own, true, TOLERANCE, TOLERANCE) for own, true in pairs):
        hint = "The numbers are right, the gradients are not: is a part detached, or computed with `no_grad`?"
        raise _Wrong(hint, "no-gradient")


def _check_use(found: Weights, used: set[str]) -> None:
    unused = sorted({*found} - used)
    if unused:
        raise _Wrong(f"The result is right, but these weights take no part in it: {', '.join(unused)}.", "unused")


def _moved(task: Task, module: nn.Module, x: Tensor) -> str:
    """What happens when tokens change places, or the image does."""
    if task in EQUIVARIANT:
        if not attention.is_equivariant(module, x):
            raise _Wrong("With the tokens in another order the results should only change places.", "order")
        return "With the tokens in another order the results change places, and nothing else."
    if task is tasks.POSITION:
        if attention.is_equivariant(module, x, prefix=1):
            raise _Wrong("With the patches in another order nothing changes: positions are missing.", "order")
        return "With the patches in another order the result differs: positions are in it."
    size = ENGINES[task.slug].CASES[-1][0][0]
    if not torch.allclose(
        module(x[..., size:]), module(x).unflatten(1, (-1, x.shape[-1] // size))[:, :, 1:].flatten(1, 2)
    ):
        raise _Wrong("A token should follow from its own patch alone, wherever that is.", "order")
    return "A token follows from its own patch alone, as with a strided convolution."


def _sizes(x: Tensor) -> str:
    return f"({', '.join(map(str, x.shape))})"
