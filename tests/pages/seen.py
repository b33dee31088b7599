"""Reading a screen."""

import base64
import json

import numpy as np
from streamlit.testing.v1 import AppTest


def text_of(app: AppTest) -> str:
    """Everything that is written on the screen, in one string."""
    kinds = ("title", "subheader", "markdown", "caption", "error", "warning", "success", "info")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(app, kind))


def accuracy_chart(app: AppTest) -> dict:
    """What the component of the accuracy curve was sent."""
    sent = [json.loads(component.proto.json) for component in app.get("bidi_component")]
    return next(data for data in sent if data.get("y_title") == "accuracy")


def numbers(packed: str) -> list[float]:
    """A column of a chart, as it is sent."""
    return np.frombuffer(base64.b64decode(packed), "<f4").tolist()
