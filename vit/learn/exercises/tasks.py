"""What the exercises ask for: words and skeletons. No torch here, because a page lists them."""

from dataclasses import dataclass

IMPORTS = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\n"


@dataclass(frozen=True)
class Task:
    """A class to write: its name in the address, the class's name, what it should do, and where to begin."""

    slug: str
    name: str
    title: str
    lead: str
    words: str
    skeleton: str
    chapter: str  # which explains it


PATCH_EMBED = Task(
    "patch-embed",
    "PatchEmbed",
    "PatchEmbed",
    "From an image to a sequence of tokens.",
    "Cut images into patches of P × P pixels and turn each patch into a token of D numbers, with one linear map for "
    "all patches. The patches are read row by row. The images may be wider than they are high.\n\n"
    "A convolution whose stride is as large as its kernel does it in one line. Cutting with `unfold` or `reshape`, "
    "and a linear layer, does the same.",
    IMPORTS
    + '''class PatchEmbed(nn.Module):
    """Cut images into patches and project each to a token: (B, C, H, W) -> (B, N, D)."""

    def __init__(self, patch_size, in_channels, embed_dim):
        super().__init__()
        # One layer with weights.

    def forward(self, images):
        # (B, C, H, W) -> (B, N, D), where N = (H / P) * (W / P)
        raise NotImplementedError
''',
    "embedding",
)
POSITION = Task(
    "position",
    "PositionEmbedding",
    "Class token and positions",
    "Where a patch is, and a token for the answer.",
    "Put a class token, which is learned, **before** the patch tokens. Then add one learned vector to each token: its "
    "position. The class token has a position, too.\n\n"
    "There is one class token and one set of positions, the same for all images of a batch.",
    IMPORTS
    + '''class PositionEmbedding(nn.Module):
    """Class token before the patch tokens, positions added to all: (B, N, D) -> (B, N + 1, D)."""

    def __init__(self, num_patches, embed_dim):
        super().__init__()
        # Parameters: cls_token (1, 1, D) and pos_embed (1, N + 1, D).

    def forward(self, x):
        # (B, N, D) -> (B, N + 1, D)
        raise NotImplementedError
''',
    "position",
)
ATTENTION = Task(
    "attention",
    "Attention",
    "Attention",
    "Every token asks all others.",
    "Write multi-head self-attention. Each token has a query, a key and a value. They are split into h heads of "
    "d = D / h numbers. Each head computes softmax(Q Kᵀ / √d) V. The heads are put side by side again and go through "
    "the output projection.\n\n"
    "One layer for queries, keys and values together, or three: both are accepted. PyTorch's own attention may be "
    "used: what counts is what the class computes.",
    IMPORTS
    + '''class Attention(nn.Module):
    """Multi-head self-attention, softmax(Q K^T / sqrt(d)) V per head: (B, N, D) -> (B, N, D)."""

    def __init__(self, embed_dim, num_heads):
        super().__init__()
        # Layers: qkv, from D to 3 D numbers; proj, from D to D.

    def forward(self, x):
        # q, k, v: (B, h, N, d) each
        # weights: (B, h, N, N), whose rows sum to 1
        # heads side by side: (B, N, D)
        raise NotImplementedError
''',
    "attention",
)
BLOCK = Task(
    "block",
    "Block",
    "The encoder block",
    "Attention and MLP, each with a norm before and a path around it.",
    "Write the encoder block of the paper: a norm, attention, and the input added again; then another norm, the MLP, "
    "and its input added again. The MLP is two linear layers with a GELU between.\n\n"
    "`Attention(embed_dim, num_heads)` is there already, you can use it. A write-up of the block: "
    "x ← x + Attention(LayerNorm(x)), then x ← x + MLP(LayerNorm(x)).",
    IMPORTS
    + '''class Block(nn.Module):
    """Pre-norm encoder block: (B, N, D) -> (B, N, D)."""

    def __init__(self, embed_dim, num_heads, mlp_dim):
        super().__init__()
        self.attn = Attention(embed_dim, num_heads)
        # Two norms; and two linear layers, from D to mlp_dim and back.

    def forward(self, x):
        # (B, N, D) -> (B, N, D)
        raise NotImplementedError
''',
    "block",
)
TASKS = (PATCH_EMBED, POSITION, ATTENTION, BLOCK)
BY_SLUG = {task.slug: task for task in TASKS}
