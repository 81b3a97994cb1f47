"""A checkpoint that is none, or that of another run, is named with its remedy; nothing in it is ever run."""

import io
import pickle
import random
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from nsp_ablation.base.errors import DamageError
from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO
from nsp_ablation.learning.engine.resume import readable

STATE = {"weight": torch.arange(50.0), "step": 7}


@pytest.fixture
def save(tmp_path):
    """save("run") -> the checkpoint STATE of a run, on disk."""

    def write(run):
        path = tmp_path / run / "last.ckpt"
        path.parent.mkdir(exist_ok=True)
        writer = BackgroundCheckpointIO()
        writer.save_checkpoint(dict(STATE), path)
        writer.teardown()
        return path

    return write


def load(path):
    return BackgroundCheckpointIO().load_checkpoint(readable(path), weights_only=True)


class Runs:
    """What runs code where a pickle is trusted."""

    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_what_was_saved_is_loaded(save):
    loaded = load(save("run"))
    assert torch.equal(loaded["weight"], STATE["weight"])
    assert loaded["step"] == STATE["step"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"half a file",
        zipped(),
        zipped(**{"archive/data.pkl": b"no pickle"}),
        zipped(**{"archive/data.pkl": pickle.dumps(Runs()), "archive/version": b"3"}),
        pickle.dumps(Runs()),
        pickle.dumps([STATE["step"]]),
    ],
    ids=["empty", "text", "an empty zip", "no pickle", "a pickle that runs", "a bare pickle that runs", "a list"],
)
def test_what_is_no_checkpoint_is_named_and_never_run(save, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = save("run")
    path.write_bytes(content)
    with pytest.raises(DamageError, match=rf"{path} is .*; delete it, and its training starts anew") as error:
        load(path)
    assert "weights_only" not in str(error.value)
    assert not (tmp_path / "ran").exists()
    path.unlink()
    assert readable(path) is None


def test_a_checkpoint_that_is_a_directory_is_named(tmp_path):
    (tmp_path / "last.ckpt").mkdir()
    with pytest.raises(DamageError, match=r"last\.ckpt is damaged .*; delete it"):
        readable(tmp_path / "last.ckpt")


def test_the_checkpoint_of_another_run_is_refused(save):
    one, other = save("one"), save("other")
    shutil.copy(one, other)
    with pytest.raises(DamageError, match=r"other/last\.ckpt is the checkpoint of another run \(one\); delete it"):
        load(other)


def test_no_damage_is_loaded_as_something_else(save):
    path, draw = save("run"), random.Random(0)
    whole, num_refused = path.read_bytes(), 0
    for _ in range(300):
        content = bytearray(whole)
        position = draw.randrange(len(content))
        kind = draw.choice(["flip", "cut", "overwrite"])
        if kind == "flip":
            content[position] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del content[position:]
        else:
            content[position : position + 8] = draw.randbytes(8)
        path.write_bytes(content)
        try:
            loaded = load(path)
        except DamageError:
            num_refused += 1
        else:
            assert torch.equal(loaded["weight"], STATE["weight"])
            assert loaded["step"] == STATE["step"]
    assert num_refused > 200
