"""ViT Lab's engine: configure, train, checkpoint and explain Vision Transformers.

Shape letters used everywhere:
    B batch, C channels, H W image height and width, P patch side,
    N tokens (prefix + patches), D embed_dim, h heads, d head_dim (D = h * d),
    K classes, L layers.

Words: *step* is one optimizer update, *epoch* one pass over the training split. ``val`` is split off from
train and chooses the best checkpoint; ``test`` is looked at once, at the end.
"""
