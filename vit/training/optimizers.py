"""AdamW, SGD with momentum, and Muon, with weight decay where it belongs."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from vit.config import TrainConfig
from vit.training import distributed

SPARED = "is_spared"  # marks a group without weight decay
ADAM_BETAS = (0.9, 0.95)
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of Jordan 2024


def build_optimizers(network: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """The optimizers of a run; every trainable parameter is in exactly one group of one of them."""
    matrices = matrices_and_kernels(network) if config.optimizer == "muon" else {}
    chosen = {id(matrix) for matrix in matrices.values()}
    rest = [item for item in network.named_parameters() if item[1].requires_grad and id(item[1]) not in chosen]
    groups = decay_groups(rest, config.weight_decay)
    if config.optimizer == "sgd":
        return [SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)]
    adamw = AdamW(groups, lr=config.lr, betas=ADAM_BETAS, fused=next(network.parameters()).device.type != "mps")
    if not matrices:
        return [adamw]
    fused = [matrix for name, matrix in matrices.items() if name.endswith("qkv.weight")]
    return [Muon(matrices.values(), config.lr, config.momentum, config.weight_decay, fused), adamw]


def decay_groups(named: list[tuple[str, nn.Parameter]], weight_decay: float) -> list[dict]:
    """Decay matrices and kernels; spare biases, norms, tokens and position embeddings."""
    spared = [parameter for name, parameter in named if parameter.ndim < 2 or name.endswith(("_token", "pos_embed"))]
    ids = {id(parameter) for parameter in spared}
    decayed = [parameter for _, parameter in named if id(parameter) not in ids]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0, SPARED: True}]
    return [group for group in groups if group["params"]]


def set_rates(optimizer: Optimizer, lr: float, weight_decay: float) -> None:
    """The learning rate of the next update, and the weight decay of those that decay at all."""
    for group in optimizer.param_groups:
        group["lr"] = lr
        if SPARED not in group:
            group["weight_decay"] = weight_decay


def matrices_and_kernels(network: nn.Module) -> dict[str, nn.Parameter]:
    """What Muon is for: the weights of blocks, stem and patch projection, but not the head."""
    return {
        name: p
        for name, p in network.named_parameters()
        if name.startswith(("blocks.", "patch_embed.")) and p.ndim >= 2 and p.requires_grad
    }


class Muon(Optimizer):
    """Momentum whose update of each matrix is made orthogonal (Jordan 2024, https://kellerjordan.github.io/posts/muon).

    Updates are scaled by 0.2 sqrt(max(rows, columns)), which gives them AdamW's size, so that both share a learning
    rate (Liu et al. 2025, arXiv:2502.16982). A fused qkv is three matrices to Muon, and a convolution's kernel
    (C', C, k, k) is the matrix (C', C k k). Everything is float32 on a CPU, because few have fast bfloat16.

    Args:
        matrices: Parameters of two or more dimensions.
        lr: Learning rate.
        momentum: Nesterov momentum.
        weight_decay: Decoupled decay.
        fused: Those of the matrices that are three, one above the other.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        lr: float,
        momentum: float,
        weight_decay: float,
        fused: Iterable[nn.Parameter] = (),
    ):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._fused = {id(matrix) for matrix in fused}

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            live = [matrix for matrix in group["params"] if matrix.grad is not None]
            updates = [self._nesterov(matrix, group["momentum"]) for matrix in live]
            decay = 1 - group["lr"] * group["weight_decay"]
            torch._foreach_mul_(live, decay)  # pyright: ignore[reportPrivateImportUsage]
            directions = distributed.sharded_map(orthogonalize_all, self._pieces(live, updates))
            for target, direction in zip(self._pieces(live, live), directions, strict=True):
                target.add_(direction, alpha=-group["lr"] * 0.2 * max(target.shape) ** 0.5)

    def _pieces(self, matrices: list[nn.Parameter], values: list[Tensor]) -> list[Tensor]:
        """Views of each matrix's value as the matrices that count by themselves."""
        parts = [3 if id(matrix) in self._fused else 1 for matrix in matrices]
        return [piece for value, count in zip(values, parts, strict=True) for piece in value.flatten(1).chunk(count)]

    def _nesterov(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        assert matrix.grad is not None
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        buffer = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(buffer, momentum)


def orthogonalize_all(matrices: list[Tensor]) -> list[Tensor]:
    """``orthogonalize`` for matrices of any shapes; those of one shape, either way up, make one batch."""
    wide = [matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    batches: dict[tuple, list[int]] = {}
    for place, matrix in enumerate(wide):
        batches.setdefault(tuple(matrix.shape), []).append(place)
    for places in batches.values():
        for place, result in zip(places, orthogonalize(torch.stack([wide[p] for p in places])), strict=True):
            wide[place] = result
    return [
        result if result.shape == matrix.shape else result.mT for result, matrix in zip(wide, matrices, strict=True)
    ]


def orthogonalize(matrices: Tensor) -> Tensor:
    """Push each matrix's singular values towards 1 by five Newton-Schulz iterations: (n, rows, columns), not tall."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.to(matrices.dtype)
