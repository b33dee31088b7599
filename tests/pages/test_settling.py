"""After torch is loaded, the garbage collection behind every click has little to search."""

import gc

from worlds import saved, written_run

from pages.shared import models


def test_what_torch_brings_along_is_not_searched_for_garbage_after_every_click():
    saved(written_run("wise-wolf"), 1000)
    models.predictor("wise-wolf")
    assert gc.get_freeze_count() > 50_000
    assert len(gc.get_objects()) < gc.get_freeze_count()
