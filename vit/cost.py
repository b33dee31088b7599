"""What a model costs before it exists: parameters, multiply-adds and memory, from arithmetic alone."""

from vit.config import ModelConfig

CONV_STEM_REDUCTION = 4  # the two stride-2 convolutions of the convolutional stem


def stem_widths(config: ModelConfig) -> tuple[int, int]:
    """Channels of the two stem convolutions."""
    return max(8, config.embed_dim // 4), max(8, config.embed_dim // 2)


def num_parameters(config: ModelConfig) -> int:
    """Trainable parameters and fixed position embeddings, exactly as the model holds them."""
    dim, hidden = config.embed_dim, config.mlp_dim
    block = (
        4 * dim + (dim * 3 * dim + 3 * dim * config.qkv_bias) + (dim * dim + dim) + (2 * dim * hidden + hidden + dim)
    )
    tokens = config.num_prefix_tokens + (config.num_tokens if config.pos_embed != "none" else 0)
    head = 2 * dim + dim * config.num_classes + config.num_classes
    return _embedding_parameters(config) + config.depth * block + tokens * dim + head


def _embedding_parameters(config: ModelConfig) -> int:
    dim = config.embed_dim
    if config.stem == "patch":
        return config.in_channels * config.patch_size**2 * dim + dim
    first, second = stem_widths(config)
    stem = 9 * (config.in_channels * first + first * second) + 2 * (first + second)
    return stem + second * (config.patch_size // CONV_STEM_REDUCTION) ** 2 * dim + dim


def forward_macs(config: ModelConfig) -> int:
    """Multiply-adds of one picture's forward pass; one training step costs about three times as many."""
    dim, tokens = config.embed_dim, config.num_tokens
    block = tokens * (4 * dim * dim + 2 * dim * config.mlp_dim) + 2 * tokens**2 * dim
    return _embedding_macs(config) + config.depth * block + dim * config.num_classes


def _embedding_macs(config: ModelConfig) -> int:
    dim, size = config.embed_dim, config.image_size
    if config.stem == "patch":
        return config.num_patches * config.in_channels * config.patch_size**2 * dim
    first, second = stem_widths(config)
    convolutions = 9 * ((size // 2) ** 2 * config.in_channels * first + (size // 4) ** 2 * first * second)
    return convolutions + config.num_patches * (config.patch_size // CONV_STEM_REDUCTION) ** 2 * second * dim


def forward_flops(config: ModelConfig) -> int:
    """Floating-point operations of one picture's forward pass: two per multiply-add."""
    return 2 * forward_macs(config)


def training_memory(config: ModelConfig, batch_size: int) -> int:
    """Bytes that training needs at most: weights, gradients, two optimizer moments, kept activations.

    Counts what float32 autograd keeps per block and token: inputs and outputs of two norms (4 D), queries, keys
    and values (3 D), attention's output and projection (2 D), two MLP activations (2 M) and the MLP's output (D),
    plus fused attention's row statistics. Dropout adds its masks (2 D + M), and on attention weights it takes fused
    attention away, so that the weights themselves are kept.
    """
    dim, tokens = config.embed_dim, config.num_tokens
    per_token = 10 * dim + 2 * config.mlp_dim + config.num_heads
    per_token += (2 * dim + config.mlp_dim) * (config.drop_rate > 0)
    per_token += 3 * config.num_heads * tokens * (config.attn_drop_rate > 0)
    activations = config.depth * tokens * per_token + 4 * tokens * dim + 3 * config.image_size**2 * config.in_channels
    if config.stem == "conv":
        first, second = stem_widths(config)
        activations += 3 * (first * (config.image_size // 2) ** 2 + second * (config.image_size // 4) ** 2)
    return 4 * (4 * num_parameters(config) + batch_size * activations)


def in_words(num_bytes: float) -> str:
    """Bytes as a person reads them: ``1.6 GB``."""
    for unit in ("B", "kB", "MB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:,.3g} GB" if num_bytes < 1000 else f"{num_bytes:,.0f} GB"
