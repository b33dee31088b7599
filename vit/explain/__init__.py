"""Looking inside a model: pure functions from a model and its input to plain tensors, without hooks.

Everywhere ``model`` is in eval mode, ``inputs`` are normalized images (B, C, H, W) on its device, and ``target`` is what
to explain. A model or inputs that aren't so, a class that there isn't, and an answer that isn't a number raise VitError.
"""
