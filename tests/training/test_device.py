"""Which precision a run gets."""

import pytest
import torch

from vit import devices
from vit.training.device import choose_precision


def test_a_cpu_with_matrix_units_for_bfloat16_trains_in_it():
    """torch finds them by itself, in another way."""
    has_units = torch.cpu._is_amx_tile_supported()
    assert devices.cpu_precision() == choose_precision("auto", "cpu") == ("bf16" if has_units else "fp32")


def test_where_nothing_is_known_of_the_cpu_it_is_float32(monkeypatch):
    def missing(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(devices.Path, "read_text", missing)
    assert devices.cpu_precision.__wrapped__() == "fp32"


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_what_a_person_asks_for_is_what_a_run_gets(asked, device):
    assert choose_precision(asked, device) == asked


def test_bfloat16_is_not_chosen_for_an_apple_gpu():
    assert choose_precision("auto", "mps") == "fp32"
