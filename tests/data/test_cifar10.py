import os
import pickle
import pickletools
import tarfile
import tracemalloc

import numpy as np
import pytest

from vit.data import cifar10
from vit.data.importing import import_as
from vit.errors import DataError


def batch(count: int = 4, seed: int = 0) -> dict:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3072), np.uint8)
    return {b"data": pixels, b"labels": [i % 10 for i in range(count)]}


@pytest.fixture
def official():
    return {f"cifar-10-batches-py/{name}": pickle.dumps(batch(seed=i), 2) for i, name in enumerate(cifar10.BATCHES)}


def test_batches_written_by_any_numpy_and_protocol_are_read():
    for protocol in range(2, 5):
        content = pickle.dumps(batch(), protocol)
        for module in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
            if protocol < 4:
                content = content.replace(b"numpy._core.multiarray", module)
            pixels, labels = cifar10.parse(content)
            assert np.array_equal(pixels.reshape(4, -1), batch()[b"data"])
            assert labels.tolist() == [0, 1, 2, 3]


class Canary:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_a_malicious_pickle_runs_nothing(tmp_path, official, tar, protocol):
    evil = {**batch(), b"extra": Canary(tmp_path / "canary")}
    official["cifar-10-batches-py/data_batch_3"] = pickle.dumps(evil, protocol)
    with pytest.raises(DataError, match="data_batch_3 is not a CIFAR-10 batch"):
        import_as("cifar10", tar(official))
    assert not (tmp_path / "canary").exists()
    pickle.loads(pickle.dumps(Canary(tmp_path / "canary"), protocol))
    assert (tmp_path / "canary").exists(), "the canary itself doesn't sing"


@pytest.mark.parametrize("name", ["eval", "exec", "getattr", "__import__", "open"])
def test_no_builtin_is_within_reach(name):
    with pytest.raises(pickle.UnpicklingError, match=f"it asks to run builtins.{name}"):
        cifar10.parse(b"cbuiltins\n" + name.encode() + b"\n(S'1'\ntR.")


def test_known_names_are_inert(tmp_path):
    """What stands in for numpy can be called with anything and does nothing."""
    content = pickle.dumps(batch(), 2)
    assert {"GLOBAL", "REDUCE", "BUILD"} <= {op.name for op, _, _ in pickletools.genops(content)}
    stand_in = cifar10._Unpickler.KNOWN["numpy", "ndarray"]((10**9, 10**9), b"u8")
    assert stand_in.state == ()


@pytest.mark.parametrize(
    "record",
    [
        {},
        [],
        {b"data": 1, b"labels": [1]},
        {b"data": np.zeros((2, 3072)), b"labels": [0, 1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, -1]},
        {b"data": np.zeros((3072, 2), np.uint8, order="F"), b"labels": [0, 1]},
        {b"data": np.zeros((0, 3072), np.uint8), b"labels": []},
    ],
)
def test_records_that_are_no_batch_are_refused(official, tar, record):
    official["cifar-10-batches-py/test_batch"] = pickle.dumps(record, 2)
    with pytest.raises(DataError, match="test_batch is not a CIFAR-10 batch"):
        import_as("cifar10", tar(official))


def test_damaged_pickles_never_raise_anything_else():
    content = pickle.dumps(batch(1), 2)
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[random.integers(0, 120)] = random.integers(0, 256)
        try:
            cifar10.parse(bytes(damaged))
        except cifar10.DAMAGE:
            continue
    for cut in range(0, len(content), 101):
        with pytest.raises(cifar10.DAMAGE):
            cifar10.parse(content[:cut])


def repeated(levels: int) -> list:
    """A list of which the same thousand are inside, and in them again: small on disk, and huge as an array."""
    found: list = [0] * 1000
    for _ in range(levels):
        found = [found] * 1000
    return found


TEXT = b"X" + (1_000_000).to_bytes(4, "little") + b"a" * 1_000_000 + b"q\x00"  # stored under number 0
ENCODED = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"  # as bytes, once more
EXPLOSIVE = {
    "labels in lists in lists": pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": repeated(2)}, 2),
    "a number of a value that C makes room for": b"\x80\x02Nr" + (1 << 29).to_bytes(4, "little") + b".",
    "a text encoded ten thousand times": b"\x80\x02]" + TEXT + b"0(" + ENCODED * 10_000 + b"l.",
    "more bytes than a batch has": bytes(50 << 20),
}


@pytest.mark.parametrize("content", EXPLOSIVE.values(), ids=EXPLOSIVE)
def test_small_pickles_that_would_take_gigabytes_are_refused(content):
    tracemalloc.start()
    try:
        with pytest.raises(cifar10.DAMAGE):
            cifar10.parse(content)
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()


def test_the_official_layout_is_recognized_as_folder_and_archive(official, tar, folder):
    info = import_as("cifar10", tar(official))
    assert info.classes == cifar10.CLASSES
    assert info.counts == {"train": 20, "test": 4}
    extracted = folder(official) / "cifar-10-batches-py"
    assert import_as("again", extracted).fingerprint == info.fingerprint


def test_a_missing_batch_is_named(official, tar):
    del official["cifar-10-batches-py/data_batch_4"]
    with pytest.raises(DataError, match="lacks data_batch_4"):
        import_as("cifar10", tar(official))


def test_the_real_archive_is_read_to_the_last_pixel(real_data):
    path = real_data("cifar-10-python*.tar.gz", "the official archive, https://www.cs.toronto.edu/~kriz/cifar.html")
    with tarfile.open(path) as archive:
        contents = {name: archive.extractfile(f"cifar-10-batches-py/{name}").read() for name in cifar10.BATCHES}
    # the official file, so its pickles may run
    batches = {name: pickle.loads(content, encoding="bytes") for name, content in contents.items()}
    sizes = {name: len(batch[b"labels"]) for name, batch in batches.items()}
    test = sizes.pop("test_batch")
    assert import_as("cifar10", path).counts == {"train": sum(sizes.values()), "test": test}
    expected = batches["data_batch_2"]
    pixels, labels = cifar10.parse(contents["data_batch_2"])
    assert np.array_equal(pixels.reshape(len(labels), -1), expected[b"data"])
    assert labels.tolist() == expected[b"labels"]
