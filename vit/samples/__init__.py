"""Images that come with the project, to try a model without having one's own. Sources and licenses: README.md."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
DRAWN = "drawn for this project"
# The name is the file's, and the CIFAR-10 class of what it shows.
CREDITS = {
    "deer": "Ryan Hagerty, public domain",
    "dog": "Hans Kemperman, public domain",
    "cat": "Stéfan van der Walt, CC0",
    "ship": DRAWN,
    "bird": "Dcoetzee, CC0",
    "horse": "Seth Zeigler, CC0",
    "airplane": DRAWN,
    "truck": DRAWN,
}


@dataclass(frozen=True)
class Sample:
    """A sample image, a JPEG."""

    name: str  # unique among the samples
    path: Path
    label: str  # the class of what it shows
    credit: str  # who made it and under which license


def list_samples() -> list[Sample]:
    """All samples, in the order to show them."""
    return [Sample(name, FOLDER / f"{name}.jpg", name, credit) for name, credit in CREDITS.items()]
