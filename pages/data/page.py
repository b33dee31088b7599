"""Data: the sets at hand, and getting more."""

from pages.data import adding, progress, sets
from pages.shared import heading

heading.row("Data")
progress.draw()
sets.draw()
adding.draw()
