"""One encoder block, stage by stage, and what becomes of the answer where a part of it is missing."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vit.explain.internals import direct_logit_attribution
from vit.explain.trace import Changes, answer, blocks, check_ready, walk
from vit.model import Block, VisionTransformer

STAGES = ("x", "norm1", "attention", "middle", "norm2", "mlp", "output")
BEFORE = (0, 0, 0, 0, 3, 3, 3)  # the stage that each is compared with: the token as it was before the branch
CUTS = ("attention", "mlp", "residual")


@dataclass(frozen=True)
class Passage:
    """One image's way through all blocks. Shapes: L layers, S stages, N tokens, D embed_dim."""

    numbers: Tensor  # (L, S, N, D)

    @property
    def lengths(self) -> Tensor:
        """L2 norm of every token at every stage, (L, S, N)."""
        return self.numbers.norm(dim=-1)

    @property
    def cosines(self) -> Tensor:
        """Cosine of every token to itself before the branch, (L, S, N); 0 where one of them is zero."""
        return torch.cosine_similarity(self.numbers, self.numbers[:, list(BEFORE)], dim=-1)


@torch.no_grad()
def passage(model: VisionTransformer, inputs: Tensor) -> Passage:
    """What one image's tokens are at each stage of each block, for inputs (1, C, H, W).

    Raises:
        VitError: If the model is in training mode, or the image doesn't have its input size.
    """
    check_ready(model, inputs)
    tokens, layers = model.embed(inputs), []
    for block, step in zip(blocks(model), walk(model, tokens), strict=True):
        attention = block.attn.project(step.heads)
        middle = tokens + attention
        normed = block.norm2(middle)
        layers.append(torch.stack([tokens, step.normed, attention, middle, normed, block.mlp(normed), step.tokens]))
        tokens = step.tokens
    return Passage(torch.stack(layers)[:, :, 0])


@torch.no_grad()
def without(model: VisionTransformer, found: Passage) -> Tensor:
    """The answer with each cut in each block, everything else as it is: logits (L, 3, K), in the order of ``CUTS``.

    A branch that is switched off adds nothing. Where the residual connections are cut, a block gives what its branches
    give, without the token itself.
    """
    rows = []
    for layer, block in enumerate(blocks(model)):
        tokens = found.numbers[layer, 0][None]
        scale = torch.ones(2, len(found.numbers), 2).to(tokens)
        scale[[0, 1], layer, [0, 1]] = 0
        switched_off = answer(model, tokens.expand(2, -1, -1), Changes(block_scale=scale), layer)
        alone = branches_alone(block, tokens, model.rotation)
        rows.append(torch.cat([switched_off, answer(model, alone, first=layer + 1)]))
    return torch.stack(rows)


def branches_alone(block: Block, tokens: Tensor, rotation: Tensor | None) -> Tensor:
    """A block without its residual connections: (B, N, D) -> (B, N, D)."""
    return block.mlp(block.norm2(block.attn(block.norm1(tokens), rotation=rotation)))


@dataclass(frozen=True)
class Additions:
    """What adds up to a class's logit for one image; ``vit.explain.internals`` says how."""

    embedding: float  # tokens before the first block
    branches: list[tuple[float, float]]  # attention and MLP of each block
    bias: float  # of the last norm and the head

    @property
    def total(self) -> float:
        return self.embedding + sum(map(sum, self.branches)) + self.bias


def additions(model: VisionTransformer, inputs: Tensor, target: int) -> Additions:
    """What embedding, branches and biases add to the logit of a class, for inputs (1, C, H, W)."""
    parts = direct_logit_attribution(model, inputs, target)
    attention = parts.heads.sum(-1) + parts.attention_bias
    pairs = list(zip(attention[0].tolist(), parts.mlp[0].tolist(), strict=True))
    return Additions(parts.embedding.item(), pairs, parts.head_bias.item())
