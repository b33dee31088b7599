"""Files made by an attacker run no code, leave their folder alone, and take neither long nor much memory.

``VIT_FAULTS=all`` tries every case instead of a sample.
"""

import sys

import pytest
from limited import offenders, run

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="limits and peaks are Linux's")]


@pytest.mark.parametrize(
    ("family", "sample", "least"), [("checkpoints", 2, 50), ("archives", 4, 30), ("pictures", 8, 20)]
)
def test_hostile_files_are_refused_in_bounded_time_and_memory(family, sample, least):
    results = run(family, sample)
    assert len(results) >= least
    assert offenders(results, seconds=5, num_bytes=10**9) == []


def test_no_hostile_checkpoint_becomes_a_model():
    assert [case for case in run("checkpoints", 2) if not case["outcome"].startswith("refused")] == []


def test_mutated_images_are_refused_or_decoded_within_two_seconds_and_512_megabytes():
    results = run("mutated_pictures", 1)
    assert len(results) == 3000
    assert offenders(results, seconds=2, num_bytes=512 * 2**20) == []
