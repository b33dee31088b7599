"""One data set, looked into: its images page by page, what is known about it, and what it has twice."""

import time

import numpy as np
import pytest
from PIL import Image
from seen import text_of

from pages.data import browser, doubles
from pages.shared import augmented
from vit import jobs
from vit.config import AugmentConfig
from vit.data import browsing, duplicates
from vit.data import jobs as data_jobs
from vit.data.catalog import Sample
from vit.data.importing import import_as
from vit.jobs import Job

STRANGE = "<img src=x onerror=alert(1)> $x$"


@pytest.fixture
def pets(tmp_path):
    """70 noise images of cats and 5 of dogs to train on, 3 of each to test on, one of them a training image, too."""
    number = 0
    for split, name, count in (("train", STRANGE, 70), ("train", "dog", 5), ("test", STRANGE, 3), ("test", "dog", 3)):
        for index in range(count):
            pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
            number += 1
            path = tmp_path / "pets" / split / name / f"{index:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    leaked = tmp_path / "pets" / "train" / "dog" / "00.png"
    (tmp_path / "pets" / "test" / "dog" / "02.png").write_bytes(leaked.read_bytes())
    (tmp_path / "pets" / "train" / "dog" / "broken.png").write_bytes(b"no pixels")
    import_as("pets", tmp_path / "pets")
    return "pets"


@pytest.fixture
def sheets(monkeypatch):
    """Collects what each sheet of images is asked to show, and as chosen."""
    drawn = []
    pick = browser.image_picker.pick

    def remembered(label, choices, **options):
        drawn.append(([choice.id for choice in choices], options["selected"]))
        return pick(label, choices, **options)

    monkeypatch.setattr(browser.image_picker, "pick", remembered)
    return drawn


def test_a_page_of_a_class_is_at_its_address(visit, pets, sheets):
    app = visit("data", set=pets, **{"class": STRANGE, "page": "2"})
    assert sheets[-1][0] == [f"pets:train:{index}" for index in range(browsing.PER_PAGE, 70)]
    assert "70 images of 75" in text_of(app)


def test_another_class_begins_on_its_first_page(visit, pets, sheets):
    app = visit("data", set=pets, page="2")
    app.selectbox(key=browser.CLASS).select("dog").run()
    assert sheets[-1][0] == [f"pets:train:{index}" for index in range(70, 75)]
    assert not app.exception


def test_an_image_in_the_address_is_shown_on_its_page_and_opens_elsewhere(visit, pets, sheets):
    app = visit("data", set=pets, image="pets:train:64")
    assert sheets[-1] == ([f"pets:train:{index}" for index in range(60, 75)], "pets:train:64")
    assert "pets train image 64" in text_of(app)
    assert "No model here knows this class yet" in text_of(app)


def test_an_image_opens_with_a_model_that_knows_its_class(visit, model):
    app = visit("data", set="shapes", split="test", image="shapes:test:3")
    links = {link.proto.page: link.proto.query_string for link in app.main.get("page_link")}
    assert links["predict"] == links["attention"] == f"model={model}&image=shapes%3Atest%3A3"


@pytest.mark.parametrize("image", ["pets:train:75", "pets:test:1", "shapes:train:1", "pets:train:x", "x"])
def test_an_address_with_an_image_that_is_not_of_this_split_shows_none(visit, pets, sheets, image):
    app = visit("data", set=pets, image=image)
    assert sheets[-1] == ([f"pets:train:{index}" for index in range(60)], "")
    assert "Choose an image" in text_of(app)


def test_an_address_of_a_set_that_is_not_here_shows_all_and_says_so(visit, pets):
    app = visit("data", set="birds")
    assert "There is no data set called" in app.warning[0].value
    assert "pets" in [heading.value for heading in app.subheader]


def test_what_is_known_is_told(visit, pets):
    app = visit("data", set=pets, tab="About")
    table, left_out, colors = (frame.value for frame in app.dataframe)
    assert table["class"].tolist() == [STRANGE, "dog"]
    assert table["train"].tolist() == [70, 5]
    assert left_out["file"].tolist() == ["train/dog/broken.png"]
    assert colors["mean"].between(0.45, 0.55).all()  # noise over all brightnesses
    assert "is right in 93.3% of them" in text_of(app)
    assert "The originals had the same size" in text_of(app)


def test_the_built_in_set_is_known_too(visit):
    app = visit("data", set="shapes", tab="About")
    assert "Every class has 1,200 training images" in text_of(app)
    assert "as a part of this project" in text_of(app)
    assert "nothing to look for" in text_of(visit("data", set="shapes", tab="Duplicates"))


def test_a_leak_is_warned_about_and_shown(visit, pets, monkeypatch):
    started = []
    monkeypatch.setattr(data_jobs, "start_duplicates", started.append)
    app = visit("data", set=pets, tab="Duplicates")
    app.button(key="look").click().run()
    assert started == [pets]
    duplicates.check(pets)
    app.run()
    assert "1 of 6 test images" in app.warning[0].value
    assert any("train 70 · test 5 · equal" in caption.value for caption in app.caption)


def test_a_search_shows_how_far_it_is(visit, pets):
    name = data_jobs.duplicates_job(pets)
    jobs.folder().mkdir(parents=True, exist_ok=True)
    jobs.write(Job(name, "duplicates", "running", 3, 10, "images", message="comparing images", started=time.time()))
    app = visit("data", set=pets, tab="Duplicates")
    assert app.main.progress[0].text == "3 images of 10 images"
    assert not [button for button in app.button if button.key == "look"]
    jobs.write(Job(name, "duplicates", "failed", error="out of memory"))
    app.run()
    assert "out of memory" in app.error[0].value


def test_an_image_goes_through_the_augmentation_of_a_preset(visit, pets):
    app = visit("data", set=pets, tab="Augmentation", image="pets:train:72", preset="30 minutes")
    assert "24 epochs of this image" in text_of(app)
    assert "moved by up to 3 pixels" in text_of(app)
    assert "Mixup" in text_of(app)
    captions = [image.proto.imgs[0].caption for image in app.image]
    assert len(captions) == 24 + 2 * 6
    assert all(caption.startswith("dog ") and r"\<img" in caption for caption in captions[24:])


def test_a_recipe_is_told_in_words():
    recipe = AugmentConfig(crop_padding=4, random_erasing=0.25)
    said = "Mirrored every other epoch, moved by up to 4 pixels, a rectangle erased in 25% of the epochs."
    assert augmented._words(recipe) == said
    assert augmented._words(AugmentConfig(flip="none", crop_padding=0)) == augmented.OFF


def test_pairs_with_different_labels_are_named():
    assert doubles._labels(*two(1, 1)) == "dog"
    assert doubles._labels(*two(0, 1)) == "Labeled differently: cat and dog"


def two(*labels: int) -> list[Sample]:
    return [Sample(Image.new("RGB", (2, 2)), label, ("cat", "dog")[label], 0) for label in labels]
