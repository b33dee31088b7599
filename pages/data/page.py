"""Data: the sets of this machine, and adding more."""

from pages.data import adding, sets
from pages.shared import heading

heading.row("Data")
adding.jobs_under_way()
sets.draw()
adding.draw()
