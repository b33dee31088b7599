"""Makes ``import torchvision`` work beside a torch build that it was not compiled for.

A CPU build of torch with the ordinary torchvision wheel fails with ``operator torchvision::nms does not exist``.
Declaring the two operators is enough for everything that needs no compiled code. A matching pair is left alone.
"""

import importlib
import importlib.util

import torch

_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library = None  # operators live as long as the library object that declared them


def prepare_torchvision() -> None:
    """Declare what a mismatched torchvision misses; call before the first ``import torchvision``."""
    global _library
    if _library is not None or _has_compiled_operators():
        return
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for name in _OPERATORS:
        _library.define(name + _SCHEMA)


def _has_compiled_operators() -> bool:
    """Whether torchvision's own extension loads here and brings its operators."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None:
        return True
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        return False
    return True
