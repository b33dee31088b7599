"""Images as text, for those that are soon replaced: nobody can ask in vain for a file that is already dropped."""

import base64
import io

from PIL import Image


def data_url(image: Image.Image, kind: str = "PNG") -> str:
    """An image that a browser shows without asking the server again; JPEG suits photographs, PNG everything else."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
