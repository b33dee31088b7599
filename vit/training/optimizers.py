"""AdamW, SGD with momentum, and Muon, with weight decay where it belongs."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from vit.config import TrainConfig
from vit.training import distributed

SPARED = "is_spared"  # marks a group without weight decay
LR_SCALE = "lr_scale"  # of a group: factor on the learning rate, called as in timm
ADAM_BETAS = (0.9, 0.95)
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of Jordan 2024


def build_optimizers(network: nn.Module, config: TrainConfig, layer_decay: float = 1.0) -> list[Optimizer]:
    """The optimizers of a run; every trainable parameter is in exactly one group of one of them."""
    matrices = matrices_and_kernels(network) if config.optimizer == "muon" else {}
    chosen, scales = {id(matrix) for matrix in matrices.values()}, layer_scales(network, layer_decay)
    rest = [item for item in network.named_parameters() if item[1].requires_grad and id(item[1]) not in chosen]
    groups = decay_groups(rest, config.weight_decay, scales)
    if config.optimizer == "sgd":
        return [SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)]
    adamw = AdamW(groups, lr=config.lr, betas=ADAM_BETAS, fused=next(network.parameters()).device.type != "mps")
    if not matrices:
        return [adamw]
    fused = [matrix for name, matrix in matrices.items() if name.endswith("qkv.weight")]
    muon_scales = [scales[name] for name in matrices]
    return [Muon(matrices.values(), config.lr, config.momentum, config.weight_decay, fused, muon_scales), adamw]


def layer_of(name: str, depth: int) -> int:
    """Which layer a parameter is in, as timm counts: 0 up to the first block, then the blocks, then the head.

    ``norm`` counts as part of the last block, ``fc_norm`` as part of the head.
    """
    part, _, rest = name.partition(".")
    if part == "blocks":
        return int(rest.partition(".")[0]) + 1
    return {"norm": depth, "fc_norm": depth + 1, "head": depth + 1}.get(part, 0)


def layer_scales(network: nn.Module, layer_decay: float) -> dict[str, float]:
    """Factor on the learning rate of each parameter: ``layer_decay`` to the power of its distance from the head.

    As in BEiT (Bao et al. 2021, arXiv:2106.08254) and timm's ``param_groups_layer_decay``.
    """
    names = [name for name, _ in network.named_parameters()]
    depth = max((layer_of(name, 0) for name in names if name.startswith("blocks.")), default=0)
    return {name: layer_decay ** (depth + 1 - layer_of(name, depth)) for name in names}


def decay_groups(named: list[tuple[str, nn.Parameter]], weight_decay: float, scales: Mapping[str, float]) -> list[dict]:
    """Decay matrices and kernels; spare biases, norms, tokens and position embeddings. One group for each rate."""
    groups: dict[tuple[bool, float], dict] = {}
    for name, parameter in named:
        is_spared = parameter.ndim < 2 or name.endswith(("_token", "pos_embed"))
        decay = {"weight_decay": 0.0, SPARED: True} if is_spared else {"weight_decay": weight_decay}
        group = groups.setdefault((is_spared, scales[name]), {"params": [], LR_SCALE: scales[name], **decay})
        group["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def set_rates(optimizer: Optimizer, lr: float, weight_decay: float) -> None:
    """The learning rate of the next update, and the weight decay of those that decay at all."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get(LR_SCALE, 1.0)
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
    (C', C, k, k) is the matrix (C', C k k). The products are bfloat16 on a GPU, and under autocast.

    Args:
        matrices: Parameters of two or more dimensions.
        lr: Learning rate.
        momentum: Nesterov momentum.
        weight_decay: Decoupled decay.
        fused: Those of the matrices that are three, one above the other.
        scales: Factor on the learning rate of each matrix; 1 if left out.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        lr: float,
        momentum: float,
        weight_decay: float,
        fused: Iterable[nn.Parameter] = (),
        scales: Iterable[float] = (),
    ):
        matrices = list(matrices)
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._fused = {id(matrix) for matrix in fused}
        self._scales = {id(matrix): scale for matrix, scale in zip(matrices, scales, strict=False)}

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            live = [matrix for matrix in group["params"] if matrix.grad is not None]
            updates = [self._nesterov(matrix, group["momentum"]) for matrix in live]
            rates = [group["lr"] * self._scales.get(id(matrix), 1.0) for matrix in live]
            decays = [1 - rate * group["weight_decay"] for rate in rates]
            torch._foreach_mul_(live, decays)  # pyright: ignore[reportPrivateImportUsage]
            directions = iter(distributed.sharded_map(orthogonalize_all, self._pieces(live, updates)))
            for matrix, rate in zip(live, rates, strict=True):
                for target in self._pieces([matrix], [matrix]):
                    target.add_(next(directions), alpha=-rate * 0.2 * max(target.shape) ** 0.5)

    def _pieces(self, matrices: Sequence[nn.Parameter], values: Sequence[Tensor]) -> list[Tensor]:
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
    is_bf16 = matrices.is_cuda or torch.is_autocast_enabled(matrices.device.type)
    x = matrices.bfloat16() if is_bf16 else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.to(matrices.dtype)
