"""Solutions of the exercises as a person writes them: right ones, and right ones with one line made wrong."""

PATCH_EMBED = """
class PatchEmbed(nn.Module):
    def __init__(self, patch_size, in_channels, embed_dim):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, embed_dim, patch_size, stride=patch_size)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)
"""
PATCH_UNFOLD = """
class PatchEmbed(nn.Module):
    def __init__(self, patch_size, in_channels, embed_dim):
        super().__init__()
        self.size = patch_size
        self.linear = nn.Linear(in_channels * patch_size ** 2, embed_dim)

    def forward(self, images):
        return self.linear(F.unfold(images, self.size, stride=self.size).transpose(1, 2))
"""
PATCH_RESHAPE = """
class PatchEmbed(nn.Module):
    def __init__(self, patch_size, in_channels, embed_dim):
        super().__init__()
        self.p = patch_size
        self.linear = nn.Linear(in_channels * patch_size ** 2, embed_dim)

    def forward(self, images):
        B, C, H, W = images.shape
        p = self.p
        patches = images.reshape(B, C, H // p, p, W // p, p).permute(0, 2, 4, 3, 5, 1)
        return self.linear(patches.reshape(B, -1, p * p * C))
"""
POSITION = """
class PositionEmbedding(nn.Module):
    def __init__(self, num_patches, embed_dim):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, num_patches + 1, embed_dim))

    def forward(self, x):
        token = self.cls_token.expand(len(x), -1, -1)
        x = torch.cat([token, x], dim=1)
        return x + self.pos_embed
"""
POSITION_TABLE = """
class PositionEmbedding(nn.Module):
    def __init__(self, num_patches, embed_dim):
        super().__init__()
        self.where = nn.Embedding(num_patches + 1, embed_dim)
        self.summary = nn.Parameter(torch.zeros(embed_dim))

    def forward(self, x):
        first = self.summary.repeat(x.shape[0], 1, 1)
        return torch.concatenate((first, x), 1) + self.where(torch.arange(x.shape[1] + 1))
"""
POSITION_NEW = """
class PositionEmbedding(nn.Module):
    def __init__(self, num_patches, embed_dim):
        super().__init__()
        self.pos = nn.Parameter(torch.zeros(num_patches + 1, embed_dim))
        self.cls = nn.Parameter(torch.zeros(1, embed_dim))

    def forward(self, x):
        B, N, D = x.shape
        out = torch.empty(B, N + 1, D, dtype=x.dtype)
        out[:, 0] = self.cls + self.pos[0]
        out[:, 1:] = x + self.pos[1:]
        return out
"""
ATTENTION = """
class Attention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        self.h, self.d = num_heads, embed_dim // num_heads
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x):
        B, N, D = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.h, self.d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / self.d ** 0.5
        weights = scores.softmax(dim=-1)
        x = (weights @ v).transpose(1, 2).reshape(B, N, D)
        return self.proj(x)
"""
ATTENTION_EINSUM = """
class Attention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(embed_dim, embed_dim)
        self.to_k = nn.Linear(embed_dim, embed_dim)
        self.to_v = nn.Linear(embed_dim, embed_dim)
        self.out = nn.Linear(embed_dim, embed_dim)

    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (self.num_heads, -1)) for f in (self.to_q, self.to_k, self.to_v))
        a = torch.einsum("bnhd,bmhd->bhnm", q, k) * q.shape[-1] ** -0.5
        y = torch.einsum("bhnm,bmhd->bnhd", a.softmax(-1), v)
        return self.out(y.flatten(2))
"""
ATTENTION_TORCH = """
class Attention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        self.inner = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x)[0]
"""
ATTENTION_RAW = """
class Attention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        self.h = num_heads
        self.wk, self.wq, self.wv, self.wo = (nn.Parameter(torch.randn(embed_dim, embed_dim)) for _ in range(4))

    def forward(self, x):
        outputs = []
        for q, k, v in zip(*((x @ w).chunk(self.h, dim=-1) for w in (self.wq, self.wk, self.wv))):
            outputs.append(torch.softmax(torch.bmm(q, k.mT) / q.size(-1) ** 0.5, -1) @ v)
        return torch.cat(outputs, -1) @ self.wo
"""
BLOCK = """
class Block(nn.Module):
    def __init__(self, embed_dim, num_heads, mlp_dim):
        super().__init__()
        self.norm1 = nn.LayerNorm(embed_dim)
        self.attn = Attention(embed_dim, num_heads)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.fc1 = nn.Linear(embed_dim, mlp_dim)
        self.fc2 = nn.Linear(mlp_dim, embed_dim)

    def mlp(self, x):
        return self.fc2(F.gelu(self.fc1(x)))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x
"""
BLOCK_SEQUENTIAL = """
class Block(nn.Module):
    def __init__(self, embed_dim, num_heads, mlp_dim):
        super().__init__()
        mlp = nn.Sequential(nn.Linear(embed_dim, mlp_dim), nn.GELU(), nn.Linear(mlp_dim, embed_dim))
        self.second = nn.Sequential(nn.LayerNorm(embed_dim, eps=1e-6), mlp)
        self.first = nn.Sequential(nn.LayerNorm(embed_dim, eps=1e-6), Attention(embed_dim, num_heads))

    def forward(self, x):
        for branch in (self.first, self.second):
            x = branch(x) + x
        return x
"""
BLOCK_TORCH = """
class Block(nn.Module):
    def __init__(self, embed_dim, num_heads, mlp_dim):
        super().__init__()
        sizes = embed_dim, num_heads, mlp_dim
        self.layer = nn.TransformerEncoderLayer(*sizes, 0.0, "gelu", batch_first=True, norm_first=True)

    def forward(self, x):
        return self.layer(x)
"""
RIGHT = {
    "patch-embed": [PATCH_EMBED, PATCH_UNFOLD, PATCH_RESHAPE],
    "position": [POSITION, POSITION_TABLE, POSITION_NEW],
    "attention": [ATTENTION, ATTENTION_EINSUM, ATTENTION_TORCH, ATTENTION_RAW],
    "block": [BLOCK, BLOCK_SEQUENTIAL, BLOCK_TORCH],
}
# (exercise, key of the mistake, right solution, its line, what stands there instead)
_GRID = ".flatten(2).transpose(1, 2)"
_PERMUTED = "images.reshape(B, C, H // p, p, W // p, p).permute(0, 2, 4, 3, 5, 1)"
_SUM = "return x + self.pos_embed"
_CAT = "x = torch.cat([token, x], dim=1)"
_SPLIT = "self.qkv(x).reshape(B, N, 3, self.h, self.d).permute(2, 0, 3, 1, 4)"
_CHUNKS = "(part.reshape(B, self.h, N, self.d) for part in self.qkv(x).chunk(3, -1))"
_MLP = "self.fc2(F.gelu(self.fc1(x)))"
_FIRST, _SECOND = "x = x + self.attn(self.norm1(x))", "x = x + self.mlp(self.norm2(x))"
_BOTH = f"{_FIRST}\n        {_SECOND}"
_NORMED = "x = self.norm1(x)\n        x = x + self.attn(x)\n        x = self.norm2(x)\n        return x + self.mlp(x)"
WRONG = [
    ("patch-embed", "columns", PATCH_EMBED, _GRID, ".transpose(2, 3).flatten(2).transpose(1, 2)"),
    ("patch-embed", "channels-first", PATCH_EMBED, _GRID, ".flatten(2)"),
    ("patch-embed", "reshape", PATCH_EMBED, _GRID, ".reshape(len(images), -1, self.proj.out_channels)"),
    ("patch-embed", "grid", PATCH_EMBED, _GRID, ""),
    ("patch-embed", "grid-last", PATCH_EMBED, _GRID, ".permute(0, 2, 3, 1)"),
    ("patch-embed", "one-vector", PATCH_EMBED, _GRID, ".flatten(1)"),
    ("patch-embed", "mean", PATCH_EMBED, _GRID, ".mean((2, 3))"),
    ("patch-embed", "activation", PATCH_EMBED, _GRID, ".relu().flatten(2).transpose(1, 2)"),
    ("patch-embed", "stride", PATCH_EMBED, ", stride=patch_size", ""),
    ("patch-embed", "turned", PATCH_EMBED, "(images)", "(images.transpose(2, 3))"),
    ("patch-embed", "backwards", PATCH_UNFOLD, ".transpose(1, 2))", ".transpose(1, 2)).flip(1)"),
    ("patch-embed", "cut", PATCH_RESHAPE, _PERMUTED, "images"),
    ("patch-embed", "columns", PATCH_RESHAPE, "permute(0, 2, 4,", "permute(0, 4, 2,"),
    ("patch-embed", "multiplied", PATCH_UNFOLD, ".transpose(1, 2)", ""),
    ("patch-embed", "in-place", PATCH_EMBED, "(images)", "(images.mul_(2))"),
    ("position", "before", POSITION, _CAT, "x = torch.cat([token - self.pos_embed[:, :1], x], dim=1)"),
    ("position", "last", POSITION, _CAT, "x = torch.cat([x, token], dim=1)"),
    ("position", "no-token", POSITION, _CAT, "return x + self.pos_embed[:, 1:]"),
    ("position", "no-positions", POSITION, _SUM, "return x"),
    ("position", "joined", POSITION, _SUM, "return torch.cat([x, self.pos_embed.expand(len(x), -1, -1)], dim=-1)"),
    ("position", "product", POSITION, _SUM, "return x * self.pos_embed"),
    ("position", "twice", POSITION, _SUM, "return x + self.pos_embed + self.pos_embed"),
    ("position", "token-added", POSITION, _CAT, "return x + self.cls_token + self.pos_embed[:, 1:]"),
    ("position", "replaced", POSITION, _CAT, "return torch.cat([token, x[:, 1:]], 1) + self.pos_embed[:, :-1]"),
    ("position", "one-position", POSITION, "num_patches + 1", "1"),
    ("position", "token-alone", POSITION, _SUM, "return (x + self.pos_embed)[:, 0]"),
    ("position", "not-expanded", POSITION, ".expand(len(x), -1, -1)", ""),
    ("position", "in-place", POSITION, "        token =", "        x += 1\n        token ="),
    ("attention", "axis", ATTENTION, "softmax(dim=-1)", "softmax(dim=-2)"),
    ("attention", "axis-heads", ATTENTION, "softmax(dim=-1)", "softmax(dim=1)"),
    ("attention", "axis", ATTENTION_EINSUM, "softmax(-1)", "softmax(-2)"),
    ("attention", "no-softmax", ATTENTION, ".softmax(dim=-1)", ""),
    ("attention", "no-scale", ATTENTION, " / self.d ** 0.5", ""),
    ("attention", "scale-D", ATTENTION, "self.d ** 0.5", "D ** 0.5"),
    ("attention", "scale-full", ATTENTION, "self.d ** 0.5", "self.d"),
    ("attention", "scale-times", ATTENTION, "/ self.d ** 0.5", "* self.d ** 0.5"),
    (
        "attention",
        "late-scale",
        ATTENTION,
        " / self.d ** 0.5\n        weights = scores.softmax(dim=-1)",
        "\n        weights = scores.softmax(dim=-1) / self.d ** 0.5",
    ),
    ("attention", "split", ATTENTION, _SPLIT, _CHUNKS),
    ("attention", "join", ATTENTION, ".transpose(1, 2).reshape(", ".reshape("),
    ("attention", "no-projection", ATTENTION, "self.proj(x)", "x"),
    ("attention", "transposed", ATTENTION, "(weights @ v)", "(weights.mT @ v)"),
    ("attention", "transposed", ATTENTION_EINSUM, 'bhnm,bmhd->', 'bhmn,bmhd->'),
    ("attention", "values", ATTENTION, "weights @ v", "weights @ k"),
    ("attention", "itself", ATTENTION, "k.transpose(", "q.transpose("),
    ("attention", "one-head", ATTENTION, "num_heads, embed_dim // num_heads", "1, embed_dim"),
    ("attention", "residual", ATTENTION_TORCH, "return ", "return x + "),
    ("attention", "no-gradient", ATTENTION, "(weights @ v)", "(weights.detach() @ v)"),
    ("attention", "view", ATTENTION, ".reshape(B, N, D)", ".view(B, N, D)"),
    ("attention", "random", ATTENTION, "self.proj(x)", "F.dropout(self.proj(x), 0.5)"),
    ("attention", "fixed-size", ATTENTION, "self.d ** 0.5", "2"),
    ("attention", "no-super", ATTENTION, "super().__init__()", "pass"),
    ("block", "no-residual", BLOCK, _BOTH, "x = self.mlp(self.norm2(self.attn(self.norm1(x))))"),
    ("block", "no-first-residual", BLOCK, "x = x + self.attn", "x = self.attn"),
    ("block", "no-second-residual", BLOCK, "x = x + self.mlp", "x = self.mlp"),
    (
        "block",
        "norm-after",
        BLOCK,
        _BOTH,
        "x = self.norm1(x + self.attn(x))\n        x = self.norm2(x + self.mlp(x))",
    ),
    ("block", "norm-after-branch", BLOCK_SEQUENTIAL, "branch(x)", "branch[0](branch[1](x))"),
    ("block", "norm-after", BLOCK_TORCH, "norm_first=True", "norm_first=False"),
    ("block", "one-norm", BLOCK, "self.norm2(x)", "self.norm1(x)"),
    ("block", "no-gelu", BLOCK, "F.gelu(self.fc1(x))", "self.fc1(x)"),
    ("block", "relu", BLOCK, "F.gelu", "F.relu"),
    ("block", "relu", BLOCK_TORCH, '"gelu"', '"relu"'),
    ("block", "tanh-gelu", BLOCK_SEQUENTIAL, "nn.GELU()", 'nn.GELU("tanh")'),
    ("block", "gelu-last", BLOCK, _MLP, f"F.gelu({_MLP})"),
    ("block", "no-first-norm", BLOCK, "self.attn(self.norm1(x))", "self.attn(x)"),
    ("block", "no-second-norm", BLOCK, "self.mlp(self.norm2(x))", "self.mlp(x)"),
    ("block", "normed-residual", BLOCK, _FIRST, _NORMED),
    ("block", "parallel", BLOCK, _FIRST, "return x + self.attn(self.norm1(x)) + self.mlp(self.norm2(x))"),
    ("block", "first-input", BLOCK, _FIRST, "return x + self.mlp(self.norm2(x + self.attn(self.norm1(x))))"),
    ("block", "mlp-first", BLOCK_SEQUENTIAL, "self.first, self.second", "self.second, self.first"),
    ("block", "no-mlp", BLOCK, _SECOND, ""),
    ("block", "unused", BLOCK, "self.fc2 =", "self.extra = nn.Linear(3, 4)\n        self.fc2 ="),
    ("block", "in-place", BLOCK, "x = x + self.attn", "x += self.attn"),
]  # fmt: skip
