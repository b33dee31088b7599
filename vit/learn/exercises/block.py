"""The encoder block: the accepted forms, and typical mistakes as what they compute."""

from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from vit.learn.exercises.attention import attend, fused
from vit.learn.exercises.pairing import Form, Shape, Weights
from vit.model import LAYER_NORM_EPS

CASES = (((12, 3, 20), (2, 5, 12)), ((10, 2, 28), (3, 7, 10)))
TORCH_EPS = 1e-5
Step = Callable[[Tensor], Tensor]


def _shapes(dim: int, heads: int, hidden: int, norms: int = 2) -> dict[str, Shape]:
    named = {f"norm{number}": (dim,) for number in range(1, norms + 1)}
    return {**named, **fused(dim, heads), "fc1": (hidden, dim), "fc2": (dim, hidden)}


def block(
    compose: Callable[[Tensor, Step, Step, Step, Step], Tensor],
    weights: Weights,
    x: Tensor,
    dim: int,
    heads: int,
    hidden: int,
    eps: float = LAYER_NORM_EPS,
    activation: Step = F.gelu,
) -> Tensor:
    """Norms, attention and MLP with these weights, put together by ``compose(x, norm1, attention, norm2, mlp)``."""

    def norm(name: str) -> Step:
        return lambda x: F.layer_norm(x, (dim,), *weights.get(name, weights.get("norm1", (None, None))), eps=eps)

    def mlp(x: Tensor) -> Tensor:
        return F.linear(activation(F.linear(x, *weights["fc1"])), *weights["fc2"])

    def attention(x: Tensor) -> Tensor:
        return attend(weights, x, dim, heads)

    return compose(x, norm("norm1"), attention, norm("norm2"), mlp)


def encoder(x: Tensor, norm1: Step, attention: Step, norm2: Step, mlp: Step) -> Tensor:
    """The reference, equations 2 and 3 of the paper: (B, N, D) -> (B, N, D)."""
    x = x + attention(norm1(x))
    return x + mlp(norm2(x))


def _form(compose: Callable[..., Tensor], key: str = "", hint: str = "", norms: int = 2, **settings) -> list[Form]:
    """With timm's epsilon in the norms and with PyTorch's, both of which are accepted."""
    shapes = partial(_shapes, norms=norms)
    return [
        Form(shapes, partial(block, compose, eps=eps, **settings), key, hint) for eps in (LAYER_NORM_EPS, TORCH_EPS)
    ]


def _no_path(x, norm1, attention, norm2, mlp):
    return mlp(norm2(attention(norm1(x))))


def _no_first_path(x, norm1, attention, norm2, mlp):
    x = attention(norm1(x))
    return x + mlp(norm2(x))


def _no_second_path(x, norm1, attention, norm2, mlp):
    x = x + attention(norm1(x))
    return mlp(norm2(x))


def _after(x, norm1, attention, norm2, mlp):
    x = norm1(x + attention(x))
    return norm2(x + mlp(x))


def _after_branch(x, norm1, attention, norm2, mlp):
    x = x + norm1(attention(x))
    return x + norm2(mlp(x))


def _from_norm(x, norm1, attention, norm2, mlp):
    x = norm1(x)
    x = x + attention(x)
    x = norm2(x)
    return x + mlp(x)


def _parallel(x, norm1, attention, norm2, mlp):
    return x + attention(norm1(x)) + mlp(norm2(x))


def _first_input(x, norm1, attention, norm2, mlp):
    return x + mlp(norm2(x + attention(norm1(x))))


def _no_first_norm(x, norm1, attention, norm2, mlp):
    return encoder(x, lambda x: x, attention, norm2, mlp)


def _no_second_norm(x, norm1, attention, norm2, mlp):
    return encoder(x, norm1, attention, lambda x: x, mlp)


def _no_norm(x, norm1, attention, norm2, mlp):
    return encoder(x, lambda x: x, attention, lambda x: x, mlp)


def _mlp_first(x, norm1, attention, norm2, mlp):
    x = x + mlp(norm2(x))
    return x + attention(norm1(x))


def _activated(x, norm1, attention, norm2, mlp):
    return encoder(x, norm1, attention, norm2, lambda x: F.gelu(mlp(x)))


def _no_mlp(x, norm1, attention, norm2, mlp):
    return x + attention(norm1(x))


def _same(x: Tensor) -> Tensor:
    return x


FORMS = _form(encoder)
_AROUND = "The input is not added again around {}: x + …(norm(x)). Without this path deep models hardly learn."
_BEFORE = "The norm comes after {}. In this model it comes before: x + attention(norm(x))."
MISTAKES = [
    *_form(_no_path, "no-residual", _AROUND.format("attention, nor around the MLP")),
    *_form(_no_first_path, "no-first-residual", _AROUND.format("attention")),
    *_form(_no_second_path, "no-second-residual", _AROUND.format("the MLP")),
    *_form(_after, "norm-after", _BEFORE.format("the sum, as in the first transformer")),
    *_form(_after_branch, "norm-after-branch", _BEFORE.format("attention and after the MLP")),
    *_form(_from_norm, "normed-residual", "The normalized x is added again. The path around keeps x as it came in."),
    *_form(_parallel, "parallel", "The MLP reads the block's input. It reads what attention's sum gives."),
    *_form(
        _first_input, "first-input", "The MLP's result is added to the block's input: what attention added is lost."
    ),
    *_form(encoder, "one-norm", "One norm is used twice. Each of the two has weights of its own.", norms=1),
    *_form(_no_first_norm, "no-first-norm", "The norm before attention is missing.", norms=1),
    *_form(_no_second_norm, "no-second-norm", "The norm before the MLP is missing.", norms=1),
    *_form(_no_norm, "no-norm", "Both norms are missing: one before attention, one before the MLP.", norms=0),
    *_form(encoder, "no-gelu", "The GELU is missing: two linear layers in a row are one.", activation=_same),
    *_form(encoder, "relu", "There is a ReLU in the MLP. It is a GELU here.", activation=F.relu),
    *_form(encoder, "silu", "There is a SiLU in the MLP. It is a GELU here.", activation=F.silu),
    *_form(
        encoder,
        "tanh-gelu",
        "The GELU is the approximation with tanh. It is the exact one here, `F.gelu(x)`.",
        activation=partial(F.gelu, approximate="tanh"),
    ),
    *_form(_activated, "gelu-last", "There is a second GELU behind the MLP. One between its layers is enough."),
    *_form(_mlp_first, "mlp-first", "The MLP comes first. Attention comes first, then the MLP."),
    *_form(_no_mlp, "no-mlp", "The second half is missing: x + MLP(norm(x))."),
]
