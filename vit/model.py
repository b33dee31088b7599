"""The Vision Transformer of "An Image is Worth 16x16 Words" (Dosovitskiy et al. 2020, arXiv:2010.11929).

Module names are timm's, so that state dicts can be exchanged. Shapes: B batch, C channels, H W image, P patch side,
N tokens, D embed_dim, h heads, d head_dim, K classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vit.config import ModelConfig
from vit.positions import rope2d, rotate, sincos2d

LAYER_NORM_EPS = 1e-6  # timm's, not torch's 1e-5


class PatchEmbed(nn.Module):
    """Cut images into patches and project each to a token: (B, C, H, W) -> (B, N, D)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.stem, channels, side = nn.Identity(), config.in_channels, config.patch_size
        self.memory_format = torch.contiguous_format
        if config.is_hybrid:
            self.memory_format = torch.channels_last  # pooling is twice as fast on a CPU
            self.stem = conv_stem(config)
            channels, side = config.stem_widths[-1], config.patch_size // config.stem_reduction
        self.proj = nn.Conv2d(channels, config.embed_dim, kernel_size=side, stride=side)

    def forward(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=self.memory_format)
        x = self.proj(self.stem(images))  # (B, D, H/P, W/P)
        return x.flatten(2).transpose(1, 2)  # (B, N, D)


def conv_stem(config: ModelConfig) -> nn.Sequential:
    """Convolutions with pooling, as in CCT (Hassani et al. 2021, arXiv:2104.05704), or a small ResNet.

    (B, C, H, W) -> (B, C', H/r, W/r), where C' is the last of ``config.stem_widths`` and r ``config.stem_reduction``.
    """
    layers, channels = [], config.in_channels
    for width, *kind in zip(config.stem_widths, config.stem_pools, config.stem_residuals, strict=True):
        is_pooled, has_residual = kind
        layers += conv_layer(config, channels, width, is_pooled)
        layers += [Residual(*conv_layer(config, width, width))] if has_residual else []
        channels = width
    return nn.Sequential(*layers)


def conv_layer(config: ModelConfig, channels: int, width: int, is_pooled: bool = False) -> list[nn.Module]:
    """Convolution, pooling if wanted, norm of each image or of each channel, GELU: (B, C, H, W) -> (B, C', H, W)."""
    pooling = [nn.MaxPool2d(2)] if is_pooled else []
    norm = BatchNorm(width) if config.is_resnet else nn.GroupNorm(1, width)
    return [nn.Conv2d(channels, width, 3, padding=1, bias=False), *pooling, norm, nn.GELU()]


class Residual(nn.Sequential):
    """Layers whose result is added to what they got (He et al. 2015, arXiv:1512.03385): (B, C, H, W) -> same."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class BatchNorm(nn.Module):
    """Each channel with its mean and variance in the batch (Ioffe and Szegedy 2015, arXiv:1502.03167): shapes stay.

    In eval mode, and as long as its weights are frozen, with the running mean of both. This is torch's BatchNorm2d
    without the counter of batches, the only tensor of a model that would not be a float.
    """

    def __init__(self, width: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(width)), nn.Parameter(torch.empty(width))
        self.running_mean, self.running_var = nn.Buffer(torch.empty(width)), nn.Buffer(torch.empty(width))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        for values in (self.weight, self.running_var):
            values.fill_(1)
        for values in (self.bias, self.running_mean):
            values.zero_()

    def forward(self, x: Tensor) -> Tensor:
        is_learning = self.training and self.weight.requires_grad
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, is_learning)


class Attention(nn.Module):
    """Multi-head self-attention, softmax(Q K^T / sqrt(d)) V per head: (B, N, D) -> (B, N, D)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.num_heads, self.head_dim = config.num_heads, config.head_dim
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim, bias=config.qkv_bias)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)
        self.attn_drop_rate = config.attn_drop_rate
        self.proj_drop = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor, num_queries: int | None = None, rotation: Tensor | None = None) -> Tensor:
        """All outputs, or only those of the first ``num_queries`` tokens: (B, N, D) -> (B, num_queries, D).

        With rotary positions ``rotation`` says where the tokens are, see ``rope2d``: (N, d/2, 2), or (B, 1, N, d/2, 2).
        """
        query, key, value = self.heads(x, num_queries, rotation)
        if value.dtype == torch.bfloat16 and value.device.type == "cpu":  # there the fused gradient is slow
            weights = F.dropout(self._weights(query, key), self.attn_drop_rate, self.training)
            return self.project(weights @ value)
        dropout = self.attn_drop_rate if self.training else 0.0
        x = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)  # (B, h, num_queries, d)
        return self.project(x)

    def explicit(
        self, x: Tensor, key_mask: Tensor | None = None, rotation: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The same computation in the open, up to the projection, for inspection; attention dropout is left out.

        Args:
            x: (B, N, D).
            key_mask: (B, N), False for tokens that nobody may attend to.
            rotation: As in ``forward``.

        Returns:
            Attention weights (B, h, N, N) whose rows sum to 1, and values (B, h, N, d). ``project`` of their product
            is what ``forward`` answers.
        """
        query, key, value = self.heads(x, rotation=rotation)
        return self._weights(query, key, key_mask), value

    def heads(self, x: Tensor, num_queries: int | None = None, rotation: Tensor | None = None) -> tuple[Tensor, ...]:
        """Queries (all, or of the first ``num_queries`` tokens), keys, values: (B, N, D) -> (B, h, N, d) each."""
        if num_queries is None:
            thirds = self.qkv(x).chunk(3, dim=-1)  # chunked, not permuted: its gradient is one copy, not two
        else:
            weights = self.qkv.weight.chunk(3)
            biases = (None,) * 3 if self.qkv.bias is None else self.qkv.bias.chunk(3)
            thirds = map(F.linear, (x[:, :num_queries], x, x), weights, biases)
        query, key, value = (third.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2) for third in thirds)
        if rotation is not None:
            query, key = rotate(query, rotation[..., :num_queries, :, :]), rotate(key, rotation)
        return query, key, value

    def _weights(self, query: Tensor, key: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """Attention weights softmax(Q K^T / sqrt(d)): (B, h, q, d), (B, h, N, d) -> (B, h, q, N)."""
        scores = query @ key.transpose(-2, -1) * self.head_dim**-0.5
        if key_mask is not None:  # the lowest number, not -inf, so that a row without any key isn't 0 / 0
            scores = scores.masked_fill(~key_mask[:, None, None, :], torch.finfo(scores.dtype).min)
        return scores.softmax(dim=-1)

    def project(self, x: Tensor) -> Tensor:
        """Heads side by side through the output projection: (B, h, N, d) -> (B, N, D)."""
        x = x.transpose(1, 2).flatten(2)  # (B, N, D)
        return self.proj_drop(self.proj(x))


class Mlp(nn.Module):
    """Two linear layers with a GELU between, for each token by itself: (B, N, D) -> (B, N, D)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.fc1 = nn.Linear(config.embed_dim, config.mlp_dim)
        self.fc2 = nn.Linear(config.mlp_dim, config.embed_dim)
        self.drop = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.fc2(self.drop(F.gelu(self.fc1(x)))))


class DropPath(nn.Module):
    """Skip a residual branch for whole images by chance (Huang et al. 2016, stochastic depth)."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


class PatchDropout(nn.Module):
    """Leave patches of each image out of a training step by chance (Liu et al. 2022, arXiv:2208.07220)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.num_prefix_tokens, self.num_kept = config.num_prefix_tokens, config.num_kept_patches

    def forward(self, x: Tensor, rotation: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Prefix tokens and the patches that are kept, (B, N, D) -> (B, N', D), and their rotations."""
        prefix, patches = x[:, : self.num_prefix_tokens], x[:, self.num_prefix_tokens :]
        if not self.training or self.num_kept == patches.shape[1]:
            return x, rotation
        chosen = torch.randn(patches.shape[:2], device=x.device).argsort(dim=1)[:, : self.num_kept]  # (B, kept)
        x = torch.cat([prefix, patches.gather(1, chosen[:, :, None].expand(-1, -1, x.shape[2]))], dim=1)
        if rotation is None:
            return x, None
        places = F.pad(chosen + self.num_prefix_tokens, (self.num_prefix_tokens, 0))  # prefix tokens: not turned, as 0
        return x, rotation[places][:, None]


class Block(nn.Module):
    """Pre-norm encoder block, equations 2 and 3 of the paper: (B, N, D) -> (B, N, D)."""

    def __init__(self, config: ModelConfig, drop_path_rate: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(config)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor, num_queries: int | None = None, rotation: Tensor | None = None) -> Tensor:
        """All tokens, or the first ``num_queries``, which still attend to all: (B, N, D) -> (B, num_queries, D)."""
        x = x[:, :num_queries] + self.drop_path(self.attn(self.norm1(x), num_queries, rotation))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """Patches to tokens, tokens through the encoder, one summary to the head: (B, C, H, W) -> (B, K).

    As in timm, a class-token model normalizes all tokens and reads the first (``norm``), a mean-pooling model
    averages the patch tokens and normalizes the average (``fc_norm``).
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.embed_dim)) if config.pool == "cls" else None
        self.reg_token = (
            nn.Parameter(torch.zeros(1, config.reg_tokens, config.embed_dim)) if config.reg_tokens else None
        )
        self._add_position_embedding(config)
        self.pos_drop = nn.Dropout(config.drop_rate)
        self.patch_drop = PatchDropout(config)
        rates = torch.linspace(0, config.drop_path_rate, config.depth, device="cpu").tolist()  # numbers on "meta", too
        self.blocks = nn.Sequential(*(Block(config, rate) for rate in rates))
        norm = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.norm, self.fc_norm = (norm, nn.Identity()) if config.pool == "cls" else (nn.Identity(), norm)
        self.head = nn.Linear(config.embed_dim, config.num_classes)
        self.apply(init_weights)
        self.init_tokens()

    def _add_position_embedding(self, config: ModelConfig) -> None:
        if config.pos_embed == "learned":
            self.pos_embed = nn.Parameter(torch.empty(1, config.num_tokens, config.embed_dim))
        elif config.pos_embed == "sincos2d":
            self.register_buffer("pos_embed", sincos2d(config))
        else:
            self.pos_embed = None
        self.rotation = nn.Buffer(rope2d(config), persistent=False) if config.pos_embed == "rope" else None

    def init_tokens(self, generator: torch.Generator | None = None) -> None:
        """timm's start of class token, registers and learned positions."""
        for token in (self.cls_token, self.reg_token):
            if token is not None and not token.is_meta:  # there, normal_ imports the compiler: two seconds
                nn.init.normal_(token, std=1e-6, generator=generator)
        if isinstance(self.pos_embed, nn.Parameter):
            nn.init.trunc_normal_(self.pos_embed, std=0.02, generator=generator)

    def embed(self, images: Tensor) -> Tensor:
        """Patch tokens behind the prefix tokens, with positions added: (B, C, H, W) -> (B, N, D)."""
        x = self.patch_embed(images)
        prefix = [token.expand(len(x), -1, -1) for token in (self.cls_token, self.reg_token) if token is not None]
        x = torch.cat([*prefix, x], dim=1)
        return self.pos_drop(x if self.pos_embed is None else x + self.pos_embed)

    def forward_features(self, images: Tensor) -> Tensor:
        """All tokens after the encoder: (B, C, H, W) -> (B, N, D).

        In training mode without the patches that patch dropout leaves out.
        """
        x, rotation = self.patch_drop(self.embed(images), self.rotation)
        for block in self.blocks:
            x = block(x, rotation=rotation)
        return self.norm(x)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Pool the tokens and classify: (B, N, D) -> (B, K), or (B, D), the features that the head reads."""
        pooled = x[:, 0] if self.config.pool == "cls" else x[:, self.config.num_prefix_tokens :].mean(dim=1)
        features = self.fc_norm(pooled)
        return features if pre_logits else self.head(features)

    def forward(self, images: Tensor) -> Tensor:
        if not (self.training and self.config.pool == "cls"):
            return self.forward_head(self.forward_features(images))
        *earlier, last = self.blocks
        x, rotation = self.patch_drop(self.embed(images), self.rotation)
        for block in earlier:
            x = block(x, rotation=rotation)
        x = self.norm(last(x, 1, rotation))  # (B, 1, D); a training step reads no other token of the last block
        return self.forward_head(x)


def init_weights(module: nn.Module, generator: torch.Generator | None = None) -> None:
    """timm's start: linear weights from a truncated normal of 0.02, biases zero; convolutions keep torch's."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02, generator=generator)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
