"""What Python and PyTorch say of a person's code, with a hint where the message is a typical one."""

import traceback

FILE = "<your code>"
# words of a message -> key of a mistake, and what helps
TYPICAL = {
    "before Module.__init__": ("no-super", "`__init__` begins with `super().__init__()`."),
    "Module.__init__() call": ("no-super", "`__init__` begins with `super().__init__()`."),
    "view size is not compatible": ("view", "After `transpose` or `permute` use `reshape`, or `contiguous()` first."),
    "Sizes of tensors must match": ("not-expanded", "To join tensors, all sizes but one must agree: is a batch axis "
                                    "missing? `expand(B, -1, -1)` repeats one without copying."),
    "Expected size": ("not-expanded", "To join tensors, all sizes but one must agree: is a batch axis missing?"),
    "leaf Variable that requires grad": ("in-place", "A weight is changed in place. Make a new tensor instead."),
    "shapes cannot be multiplied": ("multiplied", "The last axis of the left one must be as long as the first of the "
                                    "right one. Is an axis still to be transposed?"),
    "must match the size of tensor": ("sizes", "Two tensors of different sizes meet. Print their shapes."),
    "invalid for input of size": ("reshape-size", "The sizes that are asked for don't multiply to the number of "
                                  "elements. Print the shape before."),
    "expected input": ("channels", "A layer gets another number of channels than it was made for."),
    "expected m1 and m2 to have the same dtype": ("dtype", "Make new tensors with the input's dtype: `dtype=x.dtype`."),
    "Cannot assign non-leaf": ("parameter", "A parameter must be made directly: `nn.Parameter(torch.zeros(…))`."),
    "_forward_unimplemented": ("no-forward", "There is no method called `forward`."),
    'missing the required "forward"': ("no-forward", "There is no method called `forward`."),
}  # fmt: skip


def told(error: BaseException) -> tuple[str, str]:
    """The key of a typical mistake, or "", and a sentence with the line where it happened."""
    where = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == FILE]
    line = f"Line {where[-1]}: " if where else ""
    if isinstance(error, NotImplementedError) and not str(error):
        return "unwritten", f"{line}This is still to be written."
    message = " ".join(str(error).split())[:400]
    if isinstance(error, MemoryError) or "can't allocate memory" in message:
        return "memory", f"{line}More memory than an exercise may have was asked for, and stopped."
    if "Too many open files" in message:
        return "file", f"{line}Opening a file was stopped: exercises have no need of it."
    key, help_ = next((found for words, found in TYPICAL.items() if words in message), ("", ""))
    return key, f"{line}{type(error).__name__}: {message}{'' if message.endswith('.') else '.'} {help_}".strip()
