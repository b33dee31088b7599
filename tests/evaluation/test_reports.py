"""The files that an evaluation is taken away as."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from vit.evaluation import metrics, report
from vit.evaluation.directory import Identity
from vit.evaluation.parts import Suspects
from vit.evaluation.predictions import Predictions
from vit.evaluation.report import Material
from vit.evaluation.summary import summarize

CLASSES = ("<img src=x onerror=alert(1)>", "=1+1", "Größe $x$ 🐈")


@pytest.fixture
def material() -> Material:
    """Twelve images of classes with hostile names."""
    rng = np.random.default_rng(0)
    found = Predictions(rng.normal(size=(12, 3)), rng.normal(size=(12, 4)), rng.integers(0, 3, 12), np.arange(12) + 5)
    fields = {"model": "a<b>", "digest": "0", "data": "pets", "fingerprint": "1", "split": "val", "classes": CLASSES}
    suspects = Suspects(rows=(3, 1), suggested=(0, 1), quality=(0.1, 0.2), num_issues=2)
    return Material(Identity(**fields), found, summarize(found, CLASSES, None), suspects=suspects)


def picture(row: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (row, 0, 0))


def test_the_page_loads_nothing_and_shows_names_as_text(material):
    page = report.as_html(material, picture)
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "url(" not in page
    assert "default-src 'none'" in page


def test_the_csv_has_a_line_per_image_and_no_formula(material):
    lines = list(csv.reader(io.StringIO(report.as_csv(material))))
    assert len(lines) == 13
    assert lines[0] == [
        "place",
        "label",
        "predicted",
        "confidence",
        *(f"p({n})" for n in (CLASSES[0], "'=1+1", CLASSES[2])),
    ]
    for row, line in enumerate(lines[1:]):
        assert int(line[0]) == row + 5
        assert sum(map(float, line[4:])) == pytest.approx(1, abs=1e-5)
        assert not line[1].startswith("=")


def test_the_json_has_the_figures(material, tmp_path):
    compared = metrics.mcnemar(material.found.predicted, material.found.labels, material.found.labels)
    report.write(tmp_path / "new" / "folder", replace(material, against="b", difference=compared), picture)
    found = json.loads((tmp_path / "new" / "folder" / report.JSON).read_text())
    assert found["accuracy"]["value"] == material.summary.accuracy.value
    assert sum(map(sum, found["confusion"])) == 12
    assert found["comparison"]["only_first"] == 0
    assert (tmp_path / "new" / "folder" / report.HTML).stat().st_size > 1000
