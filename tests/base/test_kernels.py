"""Compiled kernels are kept by their source: an edit anywhere that they reach finds none of the old ones."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nsp_ablation.base import process
from nsp_ablation.base.errors import InputError

PACKAGE = Path(__file__).parents[2] / "src" / "nsp_ablation"
SAY = "import os; from nsp_ablation.base.process import keep_kernels_by_source as keep; keep(); print(os.environ['%s'])"


@pytest.fixture
def kernel_cache(tmp_path):
    """A copy of the packages with kernels, and what a fresh process says of its cache there."""
    (tmp_path / "nsp_ablation").mkdir()
    shutil.copy(PACKAGE / "__init__.py", tmp_path / "nsp_ablation")  # without it, an installed package comes first
    for package in ("base", "samples"):
        shutil.copytree(
            PACKAGE / package, tmp_path / "nsp_ablation" / package, ignore=shutil.ignore_patterns("__pycache__")
        )

    def ask(**environment: str) -> str:
        variables = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | {"PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-c", SAY % "NUMBA_CACHE_DIR"]
        return subprocess.run(
            command, env=variables | environment, check=True, capture_output=True, text=True, cwd=tmp_path
        ).stdout.strip()

    return ask


def test_an_edit_of_what_kernels_call_in_another_file_names_another_cache(kernel_cache, tmp_path):
    before = kernel_cache()
    assert Path(before).parent == tmp_path / "nsp_ablation" / "__pycache__"
    assert kernel_cache() == before
    draws = tmp_path / "nsp_ablation" / "samples" / "formats" / "kernels" / "draws.py"
    draws.write_text(draws.read_text().replace("1 << 63", "1 << 62"))
    changed = kernel_cache()
    assert changed != before
    draws = tmp_path / "nsp_ablation" / "base" / "randomness.py"
    draws.write_text(draws.read_text() + "\n")
    assert kernel_cache() != changed


def test_an_edit_that_no_kernel_reaches_compiles_nothing_anew(kernel_cache, tmp_path):
    before = kernel_cache()
    display = tmp_path / "nsp_ablation" / "base" / "display.py"
    display.write_text(display.read_text() + "\n")
    assert kernel_cache() == before


def test_what_the_user_chose_stays(kernel_cache, tmp_path):
    assert kernel_cache(NUMBA_CACHE_DIR=str(tmp_path / "elsewhere")) == str(tmp_path / "elsewhere")


@pytest.fixture
def unwritable(tmp_path):
    """A name below which nobody can write, root included: its parent is a file."""
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file" / "below")


def test_a_choice_that_cannot_be_written_is_refused(monkeypatch, unwritable):
    monkeypatch.setenv("NUMBA_CACHE_DIR", unwritable)
    with pytest.raises(InputError, match=f"NUMBA_CACHE_DIR={unwritable} cannot be written; set it"):
        process.keep_kernels_by_source()


def test_a_checkout_that_cannot_be_written_keeps_kernels_in_the_users_cache(kernel_cache, tmp_path):
    (tmp_path / "nsp_ablation" / "__pycache__").write_text("")
    found = Path(kernel_cache(XDG_CACHE_HOME=str(tmp_path / "cache")))
    assert found.parent == tmp_path / "cache" / "nsp-ablation"
    assert found.is_dir()


def test_without_a_home_caches_are_temporary_which_is_said_once(tmp_path, monkeypatch, capsys, unwritable):
    monkeypatch.setattr(os, "environ", {"HOME": unwritable})
    monkeypatch.setattr(process, "__file__", f"{unwritable}/base/process.py")
    monkeypatch.setattr(process, "files_fingerprint", lambda paths: "0123")
    monkeypatch.setattr(process.tempfile, "tempdir", str(tmp_path))
    process._temporary_caches.cache_clear()
    for _ in range(2):
        process.keep_kernels_by_source()
        process.keep_caches_out_of_home()
    for variable in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "HF_HOME", "XDG_CACHE_HOME", "WANDB_CACHE_DIR"):
        assert Path(os.environ[variable]).parent.parent == tmp_path
    assert capsys.readouterr().err.count("NUMBA_CACHE_DIR is not set") == 1
    process._temporary_caches.cache_clear()


def test_with_a_home_nothing_is_moved(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {"HOME": str(tmp_path)})
    process.keep_caches_out_of_home()
    assert os.environ == {"HOME": str(tmp_path)}
