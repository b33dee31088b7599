"""Data: what there is, what is going on, and what went wrong."""

import time
from dataclasses import replace

import pytest
from PIL import Image
from seen import text_of

from pages.data import adding, classes
from vit import jobs, paths
from vit.data import catalog, importing
from vit.jobs import Job


@pytest.fixture
def pets(tmp_path):
    """A folder of two classes with one broken file."""
    folder = tmp_path / "My Pets"
    for name in ("cat", "dog"):
        for index in range(4):
            image = folder / name / f"{index}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (40 * index, 0, 0)).save(image)
    (folder / "cat" / "broken.png").write_bytes(b"no pixels")
    return folder


@pytest.fixture
def started(monkeypatch):
    """Collects the jobs that would be started."""
    calls = []
    monkeypatch.setattr("vit.data.jobs.start", lambda *args: calls.append(args))
    return calls


def test_the_built_in_set_is_always_there(visit):
    app = visit("data")
    assert not app.exception
    assert "shapes" in [heading.value for heading in app.subheader]
    assert "12,000 train, 2,000 test images" in text_of(app)


def test_an_imported_set_says_what_is_in_it_and_what_was_left_out(visit, pets):
    importing.import_as("pets", pets)
    app = visit("data")
    assert "2 classes: cat, dog" in text_of(app)
    assert any("1 file left out" in expander.label for expander in app.expander)
    assert "broken.png" in text_of(app)


def test_removing_a_set_takes_it_away(visit, pets):
    importing.import_as("pets", pets)
    app = visit("data")
    app.button(key="delete-pets").click().run()
    assert not app.exception
    assert [info.name for info in catalog.list_datasets()] == ["shapes"]
    assert "pets" not in [heading.value for heading in app.subheader]


def test_a_damaged_set_is_told_and_can_be_removed(visit, pets):
    importing.import_as("pets", pets)
    (paths.data_root() / "pets" / "dataset.json").write_text("{")
    app = visit("data")
    assert not app.exception
    assert app.error
    assert app.button(key="delete-pets")


def test_importing_a_path_names_the_set_after_the_file(visit, started):
    app = visit("data")
    app.text_input(key=adding.PATH).set_value("/somewhere/Cats & Dogs.tar.gz")
    app.button(key="import").click().run()
    assert started == [("import", "cats-dogs", "/somewhere/Cats & Dogs.tar.gz", 128, {})]


def test_importing_an_upload_keeps_it_where_the_import_can_read_it(visit, started):
    app = visit("data")
    app.file_uploader[0].upload("pets.zip", b"PK", "application/zip")
    app.text_input(key=adding.NAME).set_value("my-pets")
    app.button(key="import").click().run()
    ((kind, name, path, *_),) = started
    assert (kind, name) == ("import", "my-pets")
    with open(path, "rb") as file:
        assert file.read() == b"PK"


def previewed(visit, path, edited: dict | None = None):
    """The preview of a folder, in whose table a person has changed something."""
    app = visit("data")
    app.text_input(key=adding.PATH).set_value(str(path))
    app.text_input(key=adding.NAME).set_value("pets")
    app.button(key="preview").click().run()
    app.session_state[classes.TABLE] = {"edited_rows": edited or {}, "added_rows": [], "deleted_rows": []}
    return app.run()


def test_a_preview_shows_the_classes_and_writes_nothing(visit, pets, started, home):
    app = previewed(visit, pets)
    table = app.data_editor[0].value
    assert table["class"].tolist() == table["as"].tolist() == ["cat", "dog"]
    assert table["train"].tolist() == [5, 4]  # one of them broken, which shows when it is decoded
    assert all(strip.startswith("data:image/jpeg") for strip in table["examples"])
    assert "2 classes, 9 images: cat 5, dog 4" in text_of(app)
    assert not (home / "data").exists()
    app.button(key="import-these").click().run()
    assert started == [("import", "pets", str(pets), 128, {})]
    assert not app.data_editor


def test_classes_are_renamed_and_dropped_in_the_table(visit, pets, started):
    bird = pets / "bird" / "0.png"
    bird.parent.mkdir()
    Image.new("RGB", (8, 8)).save(bird)
    app = previewed(visit, pets, {0: {"import": False}, 1: {"as": "Mia"}})
    assert "2 classes, 9 images: Mia 5, dog 4" in text_of(app)
    app.button(key="import-these").click().run()
    assert started == [("import", "pets", str(pets), 128, {"bird": None, "cat": "Mia"})]


def test_a_preview_of_one_class_alone_says_why_it_can_not_be_imported(visit, pets, started):
    app = previewed(visit, pets, {0: {"as": "dog"}})
    assert "only the class 'dog'" in app.error[0].value
    assert "import-these" not in [button.key for button in app.button]
    app.button(key="close-preview").click().run()
    assert not app.data_editor


def test_a_preview_of_what_is_not_there_says_so(visit, tmp_path):
    app = previewed(visit, tmp_path / "nowhere")
    assert "There is no file or folder" in app.error[0].value


def test_importing_nothing_asks_for_something(visit, started):
    app = visit("data")
    app.button(key="import").click().run()
    assert "Enter a path" in app.error[0].value
    assert started == []


def test_a_name_that_cannot_be_used_is_told(visit):
    app = visit("data")
    app.text_input(key=adding.PATH).set_value("/somewhere/pets.zip")
    app.text_input(key=adding.NAME).set_value("shapes")
    app.button(key="import").click().run()
    assert not app.exception
    assert "shapes" in app.error[0].value


def test_a_job_in_progress_shows_how_far_it_is(visit):
    job = Job("cifar10", "fetch", "running", 50_000_000, 170_498_071, "B", 1e6, "downloading", None, time.time())
    jobs.folder().mkdir(parents=True)
    jobs.write(job)
    app = visit("data")
    assert app.main.progress[0].text == "50.0 MB of 170.5 MB · 1.0 MB/s · 2 min left"
    assert app.button(key="fetch-cifar10").disabled


def test_a_job_that_failed_says_why_until_it_is_dismissed(visit):
    jobs.folder().mkdir(parents=True)
    jobs.write(Job("pets", "import", "failed", error="pets.zip is damaged: get it again."))
    app = visit("data")
    app.session_state[adding.FOLLOWED] = ["pets"]
    app.run()
    assert "pets.zip is damaged" in app.error[0].value
    assert app.error[0].proto.title == "pets: Import failed"
    app.button(key="dismiss-pets").click().run()
    assert not app.error


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/cifar-10-python.tar.gz", "cifar-10-python"),
        ("C:\\Images\\Birds.ZIP", "birds"),
        ("~/My Pets/", "my-pets"),
        ("///", "images"),
    ],
)
def test_the_suggested_name_is_made_of_the_file_name(path, name):
    assert adding.suggested(path) == name


def test_progress_without_a_total_says_what_is_done():
    job = Job("pets", "import", "running", 120, 0, "images")
    assert adding.line(job) == "120 images"
    assert adding.line(replace(job, done=0)) == "Starting"
