"""Compiled kernels are kept by their source: an edit anywhere that they reach finds none of the old ones."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    assert kernel_cache() != before


def test_what_the_user_chose_stays(kernel_cache):
    assert kernel_cache(NUMBA_CACHE_DIR="/elsewhere") == "/elsewhere"
