"""The IDX files are read as they are, verified, and refused in one sentence otherwise."""

import gzip
import hashlib
import http.server
import threading
from functools import partial

import numpy as np
import pytest

from tests.conftest import coloured_pictures, striped_digits, write_idx, write_packed
from training import data


def test_pictures_and_labels_come_back_as_they_were_written(tmp_path):
    write_idx(tmp_path / "bars", train=30)
    split = data.load("bars", tmp_path, "train")
    images, labels = striped_digits(30, seed=1)
    assert split.images.shape == (30, 1, 28, 28)
    assert np.array_equal(split.images[:, 0].numpy(), images)
    assert np.array_equal(split.labels.numpy(), labels)
    assert set(split.sha256) == {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.unlink(), "cannot read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "whole gzip"),
        (lambda path: path.write_bytes(b"<html>not found</html>"), "whole gzip"),
        (
            lambda path: path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1])),
            "not an IDX file",
        ),
        (lambda path: path.write_bytes(gzip.compress(b"\0\0")), "not an IDX file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, damage, sentence):
    damage(write_idx(tmp_path / "bars", train=30) / "train-images-idx3-ubyte.gz")
    with pytest.raises(data.DataError, match=sentence) as error:
        data.load("bars", tmp_path, "train")
    assert "train-images-idx3-ubyte.gz" in str(error.value)


def test_other_pictures_under_the_name_of_a_known_data_set_are_refused(tmp_path):
    write_idx(tmp_path / "mnist", train=30)
    with pytest.raises(data.DataError, match="sha256"):
        data.load("mnist", tmp_path, "train")


def test_a_missing_folder_says_what_data_dir_must_hold(tmp_path):
    with pytest.raises(data.DataError, match="folder named mnist"):
        data.load("mnist", tmp_path, "train")


@pytest.fixture
def public_home(tmp_path, monkeypatch):
    """A local server that plays the public home of a small data set."""
    folder = write_idx(tmp_path / "served", train=30)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    monkeypatch.setattr(handler.func, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        sha256 = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
        }
        home = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setitem(
            data.SOURCES, "bars", data.Source(home, sha256, licence="", citation="")
        )
        monkeypatch.chdir(tmp_path)
        yield folder
        server.shutdown()
        thread.join()


def test_without_a_data_dir_a_known_set_is_downloaded_once_and_verified(public_home, tmp_path):
    first = data.load("bars", None, "train")
    assert len(first.images) == 30
    assert sorted(path.name for path in (tmp_path / "data" / "bars").iterdir()) == sorted(
        data.FILES.values()
    )
    for path in public_home.iterdir():
        path.unlink()  # a second download would fail
    assert np.array_equal(data.load("bars", None, "train").images, first.images)


def test_a_download_that_is_something_else_is_refused_and_not_kept(public_home, tmp_path):
    (public_home / "train-images-idx3-ubyte.gz").write_bytes(b"<html>sorry</html>")
    with pytest.raises(data.DataError, match="--data-dir"):
        data.load("bars", None, "train")
    assert not (tmp_path / "data" / "bars" / "train-images-idx3-ubyte.gz").exists()


def test_packed_jpegs_come_back_as_colour_pictures_without_their_labels(tmp_path):
    write_packed(tmp_path / "colours", train=40)
    split = data.load("colours", tmp_path, "train")
    assert split.images.shape == (40, 3, 16, 16)
    written = coloured_pictures(40, seed=1).transpose(0, 3, 1, 2).astype(int)
    assert np.abs(split.images.numpy() - written).mean() < 3  # JPEG's own loss
    assert not split.labels.any()
    assert set(split.sha256) == {"colours.npz"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-200]),
        lambda path: path.write_bytes(b"<html>not found</html>"),
        lambda path: np.savez(path, pictures=np.zeros(3)),
        lambda path: np.savez(
            path, train_jpeg=np.zeros(30, np.uint8), train_offsets=np.array([0, 10, 30])
        ),
    ],
)
def test_a_damaged_packed_file_is_named(tmp_path, damage):
    damage(write_packed(tmp_path / "colours") / "colours.npz")
    with pytest.raises(data.DataError, match=r"colours\.npz does not hold train_jpeg"):
        data.load("colours", tmp_path, "train")


def test_another_file_beside_the_four_is_none_of_our_business(tmp_path, monkeypatch):
    folder = write_idx(tmp_path / "mnist", train=30)
    sha256 = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    monkeypatch.setitem(data.SOURCES, "mnist", data.Source(None, sha256, licence="", citation=""))
    (folder / "mnist.npz").write_bytes(b"as another library names its own")
    assert len(data.load("mnist", tmp_path, "train").images) == 30


def test_a_set_without_a_public_home_says_where_its_file_must_lie(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for data_dir in (None, tmp_path):
        with pytest.raises(data.DataError, match=r"folder named faces64, with faces64\.npz in it"):
            data.load("faces64", data_dir, "train")
    write_packed(tmp_path / "faces64")
    with pytest.raises(data.DataError, match="sha256"):
        data.load("faces64", tmp_path, "train")
    (tmp_path / "faces64" / "faces64.npz").unlink()
    with pytest.raises(data.DataError, match=r"cannot read .*faces64\.npz"):
        data.load("faces64", tmp_path, "train")
