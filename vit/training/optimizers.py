"""AdamW, SGD with momentum, and Muon, with weight decay where it belongs."""

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from vit.config import TrainConfig
from vit.training import team

ADAM_BETAS = (0.9, 0.95)
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of Jordan 2024
NEWTON_SCHULZ_STEPS = 5


def build_optimizers(network: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """The optimizers of a run; every trainable parameter is in exactly one group of one of them."""
    matrices = matrices_and_kernels(network) if config.optimizer == "muon" else []
    chosen = {id(matrix) for matrix in matrices}
    rest = [item for item in network.named_parameters() if item[1].requires_grad and id(item[1]) not in chosen]
    groups = decay_groups(rest, config.weight_decay)
    if config.optimizer == "sgd":
        return [SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)]
    adamw = AdamW(groups, lr=config.lr, betas=ADAM_BETAS, fused=network.head.weight.device.type != "mps")
    return [Muon(matrices, config.lr, config.momentum, config.weight_decay), adamw] if matrices else [adamw]


def decay_groups(named: list[tuple[str, nn.Parameter]], weight_decay: float) -> list[dict]:
    """Decay matrices and kernels; spare biases, norms, tokens and position embeddings."""
    spared = [parameter for name, parameter in named if parameter.ndim < 2 or name.endswith(("_token", "pos_embed"))]
    ids = {id(parameter) for parameter in spared}
    decayed = [parameter for _, parameter in named if id(parameter) not in ids]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def matrices_and_kernels(network: nn.Module) -> list[nn.Parameter]:
    """What Muon is for: the weights of blocks, stem and patch projection, but not the head."""
    return [
        p
        for name, p in network.named_parameters()
        if name.startswith(("blocks.", "patch_embed.")) and p.ndim >= 2 and p.requires_grad
    ]


class Muon(Optimizer):
    """Momentum whose update of each matrix is made orthogonal (Jordan 2024, https://kellerjordan.github.io/posts/muon).

    Updates are scaled by 0.2 sqrt(max(rows, columns)), which gives them AdamW's size, so that both share a learning
    rate (Liu et al. 2025, arXiv:2502.16982). Fused qkv matrices are three matrices to Muon, and a convolution's kernel
    (C', C, k, k) is the matrix (C', C k k). Everything is float32 on a CPU, because few have fast bfloat16.

    Args:
        matrices: Parameters of two or more dimensions.
        lr: Learning rate.
        momentum: Nesterov momentum.
        weight_decay: Decoupled decay.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float, momentum: float, weight_decay: float):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            live = [matrix for matrix in group["params"] if matrix.grad is not None]
            updates = [self._nesterov(matrix, group["momentum"]) for matrix in live]
            torch._foreach_mul_(live, 1 - group["lr"] * group["weight_decay"])
            flat = [tensor.flatten(1) for tensor in live], [tensor.flatten(1) for tensor in updates]
            for shape, pairs in by_shape(*flat).items():
                direction = team.share_out(orthogonalise, torch.stack([update for _, update in pairs]))
                scale = -group["lr"] * 0.2 * max(shape) ** 0.5
                torch._foreach_add_([target for target, _ in pairs], list(direction.unbind()), alpha=scale)

    def _nesterov(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        buffer = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(buffer, momentum)


def by_shape(matrices: list[Tensor], updates: list[Tensor]) -> dict[tuple, list[tuple[Tensor, Tensor]]]:
    """Square pieces of equal shape, so that Newton-Schulz runs on a batch: {(rows, columns): [(target, update)]}."""
    groups: dict[tuple, list] = {}
    for matrix, update in zip(matrices, updates, strict=True):
        parts = 3 if matrix.shape[0] == 3 * matrix.shape[1] else 1  # qkv
        for target, piece in zip(matrix.chunk(parts), update.chunk(parts), strict=True):
            groups.setdefault(tuple(target.shape), []).append((target, piece))
    return groups


def orthogonalise(matrices: Tensor, steps: int = NEWTON_SCHULZ_STEPS) -> Tensor:
    """Push all singular values of each matrix towards 1 by Newton-Schulz iterations: (n, rows, columns)."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT.contiguous() if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)
