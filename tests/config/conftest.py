"""Configurations composed through the command line."""

import pytest


@pytest.fixture
def cells(planned, tmp_path, monkeypatch):
    """cells("-m", "format=full,doc"): the checked cells of a command, typed in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return planned


@pytest.fixture
def config(cells):
    """config("format=doc"): the configuration of a single run."""
    return lambda *arguments: cells(*arguments)[0].config
