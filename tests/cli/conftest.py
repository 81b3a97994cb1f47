"""What the tests of the command line share: the composer, and the module that draws command lines."""

import importlib.util
from pathlib import Path

import pytest

from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.planned_cells import open_composer


@pytest.fixture(scope="session")
def composer(project_root):
    return open_composer(parse_arguments([]), project_root)


@pytest.fixture(scope="session")
def drawn():
    """The module `drawn_lines.py`."""
    spec = importlib.util.spec_from_file_location("drawn_lines", Path(__file__).with_name("drawn_lines.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
