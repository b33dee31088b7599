"""Reading a screen."""

from streamlit.testing.v1 import AppTest


def text_of(app: AppTest) -> str:
    """Everything that is written on the screen, in one string."""
    kinds = ("title", "subheader", "markdown", "caption", "error", "warning", "success", "info")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(app, kind))
