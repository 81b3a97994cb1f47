"""The recorded values, what measures them anew, and one folder of artifacts for all."""

import importlib
import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def make():
    """The module `make.py`, beside which `driver.py` is found."""
    path = list(sys.path)
    sys.path.insert(0, str(HERE))
    module = importlib.import_module("make")
    sys.path[:] = path
    return module


@pytest.fixture(scope="session")
def golden():
    return json.loads((HERE / "golden.json").read_text())


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """Tokenizers, stores and indexes of all variants."""
    return tmp_path_factory.mktemp("golden")
