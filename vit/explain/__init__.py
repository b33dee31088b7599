"""Looking inside a model: pure functions from a model and its input to plain tensors, without hooks.

Throughout, ``model`` is in eval mode, ``inputs`` are normalized images (B, C, H, W) on its device, and ``target`` is
what to explain.
An unfit model or inputs, an unknown class, and logits that are not finite raise VitError.
"""
