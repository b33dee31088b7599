"""What a model costs before it exists: parameters, multiply-adds and memory, from arithmetic alone."""

from vit.config import ModelConfig


def _stem(config: ModelConfig) -> list[tuple[int, int, int, bool]]:
    """Of each convolution: channels in and out, side of its output, whether that is pooled."""
    found, channels, side = [], config.in_channels, config.image_size
    for width, *kind in zip(config.stem_widths, config.stem_pools, config.stem_residuals, strict=True):
        is_pooled, has_residual = kind
        found.append((channels, width, side, is_pooled))
        side = side // 2 if is_pooled else side
        found += [(width, width, side, False)] * has_residual
        channels = width
    return found


def _seen_by_projection(config: ModelConfig) -> int:
    """Numbers of the stem's feature maps in one patch."""
    return config.stem_widths[-1] * (config.patch_size // config.stem_reduction) ** 2


def num_parameters(config: ModelConfig) -> int:
    """Trainable parameters and fixed position embeddings, exactly as the model holds them."""
    dim, hidden = config.embed_dim, config.mlp_dim
    if config.stem == "patch":
        embedding = config.in_channels * config.patch_size**2 * dim + dim
    else:
        norm = 4 if config.is_resnet else 2  # numbers per channel
        stem = sum(9 * channels * width + norm * width for channels, width, _, _ in _stem(config))
        embedding = stem + _seen_by_projection(config) * dim + dim
    attention = (dim * 3 * dim + 3 * dim * config.qkv_bias) + (dim * dim + dim)
    block = 4 * dim + attention + (2 * dim * hidden + hidden + dim)
    tokens = config.num_prefix_tokens + config.num_tokens * config.adds_positions
    head = 2 * dim + dim * config.num_classes + config.num_classes
    return embedding + config.depth * block + tokens * dim + head


def forward_flops(config: ModelConfig) -> int:
    """Floating-point operations of one image's forward pass: two per multiply-add."""
    return 2 * _forward_macs(config, config.num_tokens)


def training_flops(config: ModelConfig) -> int:
    """Floating-point operations of one image in a training step: the backward pass is two forward passes."""
    return 3 * 2 * _forward_macs(config, config.num_prefix_tokens + config.num_kept_patches)


def _forward_macs(config: ModelConfig, tokens: int) -> int:
    """Multiply-adds with so many tokens in the blocks."""
    dim = config.embed_dim
    if config.stem == "patch":
        embedding = config.num_patches * config.in_channels * config.patch_size**2 * dim
    else:
        convolutions = sum(9 * side**2 * channels * width for channels, width, side, _ in _stem(config))
        embedding = convolutions + config.num_patches * _seen_by_projection(config) * dim
    block = tokens * (4 * dim * dim + 2 * dim * config.mlp_dim) + 2 * tokens**2 * dim
    return embedding + config.depth * block + dim * config.num_classes


def training_memory(config: ModelConfig, batch_size: int) -> int:
    """Bytes that training needs at most: weights, gradients, two optimizer moments, kept activations.

    Counts what float32 autograd keeps per block and token: inputs and outputs of two norms (4 D), queries, keys
    and values (3 D), attention's output and projection (2 D), two MLP activations (2 M) and the MLP's output (D),
    plus fused attention's row statistics. Dropout adds its masks (2 D + M), and on attention weights it takes fused
    attention away, so that the weights themselves are kept.
    """
    dim, tokens = config.embed_dim, config.num_prefix_tokens + config.num_kept_patches
    per_token = 10 * dim + 2 * config.mlp_dim + config.num_heads
    per_token += (2 * dim + config.mlp_dim) * (config.drop_rate > 0)
    per_token += 3 * config.num_heads * tokens * (config.attn_drop_rate > 0)
    embedding = 4 * config.num_tokens * dim
    activations = config.depth * tokens * per_token + embedding + 3 * config.image_size**2 * config.in_channels
    if config.is_hybrid:
        # pooling keeps what it got and, in 8 bytes each, where the largest were; norm and GELU keep theirs
        activations += sum(
            width * side**2 * (1 + 5 / 4 if is_pooled else 3) for _, width, side, is_pooled in _stem(config)
        )
    return round(4 * (4 * num_parameters(config) + batch_size * activations))
