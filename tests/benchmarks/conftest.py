"""What tests of the benchmarks share: a benchmark as a module."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OURS = {path.stem for path in BENCHMARKS.glob("*.py")}


@pytest.fixture(scope="module")
def benchmark_module():
    """benchmark_module("scale"): the module of benchmarks/scale.py, by the name under which processes that it starts
    import it. `sys.path` and `sys.modules` are left as they were."""
    path, modules = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module
    sys.path[:] = path
    for name in OURS & (set(sys.modules) - modules):
        del sys.modules[name]
