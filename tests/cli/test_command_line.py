"""`run.py` as a process: a refusal is one line and exit status 2, without torch, before any job.

How long it takes is `benchmarks/refusals.py`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "torch",
    "numpy",
    "pytorch_lightning",
    "transformers",
    "tokenizers",
    "datasets",
    "numba",
    "pandas",
    "matplotlib",
)


@pytest.fixture
def light(tmp_path):
    """An environment in which every heavy library refuses to be imported."""
    libraries = tmp_path / "libraries"
    for name in HEAVY:
        (libraries / name).mkdir(parents=True)
        (libraries / name / "__init__.py").write_text(f"raise SystemExit('{name} was imported')\n")
    return {**os.environ, "PYTHONPATH": str(libraries)}


@pytest.fixture
def empty(tmp_path):
    directory = tmp_path / "empty"
    directory.mkdir()
    return directory


def typed(*arguments, cwd, env, command=(str(ROOT / "run.py"),)):
    return subprocess.run([sys.executable, *command, *arguments], cwd=cwd, env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["format=dooc"],
        ["-m", "experiment=table2_formats", "seed=1,2,3,4,5", "max_length=7"],
        ["-m", "format=segment_pair,sentence_pair,full", "masking=static,dynamic", "objective=mlm_nsp"],
    ],
    ids=["unknown option", "value in a sweep", "combination in a late cell"],
)
def test_refusal_is_one_line_without_heavy_libraries(light, empty, arguments):
    done = typed(*arguments, cwd=empty, env=light)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert list(empty.iterdir()) == []


@pytest.mark.slow
def test_hydras_own_flags_still_work(light, empty):
    assert "condition     doc, dynamic, full" in typed("--help", cwd=empty, env=light).stdout
    shown = typed("--cfg", "job", "-p", "format", "format=doc", cwd=empty, env=light)
    assert (shown.returncode, "name: doc" in shown.stdout) == (0, True)
    shown = typed("--cfg", "job", "-p", "batch", "batch=256", cwd=empty, env=light)
    assert (shown.returncode, "sequences: 256" in shown.stdout) == (0, True)
