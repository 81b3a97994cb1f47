"""What the tests of the command line share: the composer, the wheel, and the module that draws command lines."""

import importlib.util
import zipfile
from pathlib import Path

import pytest

from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.planned_cells import open_composer


@pytest.fixture(scope="session")
def composer(project_root):
    return open_composer(parse_arguments([]), project_root)


@pytest.fixture(scope="session")
def wheel(project_root, tmp_path_factory):
    """The path of the wheel, built anew."""
    build = pytest.importorskip("hatchling.builders.wheel", reason="hatchling comes with the extra `dev`")
    (path,) = build.WheelBuilder(str(project_root)).build(directory=str(tmp_path_factory.mktemp("wheel")))
    return Path(path)


@pytest.fixture(scope="session")
def unpacked(wheel, tmp_path_factory):
    """The directory of packages into which the wheel is unpacked."""
    directory = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


@pytest.fixture(scope="session")
def drawn():
    """The module `drawn_lines.py`."""
    spec = importlib.util.spec_from_file_location("drawn_lines", Path(__file__).with_name("drawn_lines.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
