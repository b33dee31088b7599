"""The sample images are small, can be read, and say where they come from."""

import subprocess
import sys

import pytest

from vit import images, samples

CIFAR10 = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}


@pytest.mark.parametrize("sample", samples.list_samples(), ids=lambda sample: sample.name)
def test_a_sample_is_a_small_image_with_a_source(sample):
    content = sample.path.read_bytes()
    assert len(content) < 60_000
    assert 256 <= max(images.decode(content, sample.name).image.size) <= 512
    assert sample.label in CIFAR10
    assert sample.credit
    assert f"`{sample.path.name}`" in (samples.FOLDER / "README.md").read_text()


def test_every_image_of_the_folder_is_listed():
    assert {path.name for path in samples.FOLDER.glob("*.jpg")} == {
        sample.path.name for sample in samples.list_samples()
    }


def test_listing_samples_imports_no_torch():
    code = "import sys; from vit import samples; samples.list_samples(); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
