"""Commands that are planned in this process, and how they are refused."""

import pytest

from nsp_ablation.config.problem import ConfigurationError


@pytest.fixture
def cells(planned, tmp_path, monkeypatch):
    """cells("-m", "format=full,doc"): the checked cells of a command, typed in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return planned


@pytest.fixture
def config(cells):
    """config("format=doc"): the configuration of a single run."""
    return lambda *arguments: cells(*arguments)[0].config


@pytest.fixture
def refused(cells):
    """refused("format=dooc"): the lines with which a command is refused."""

    def lines(*arguments):
        with pytest.raises(ConfigurationError) as error:
            cells(*arguments)
        return error.value.lines

    return lines
