"""The command line as a module, and configurations composed through it."""

import pytest


@pytest.fixture(scope="session")
def run(command_line):
    return command_line


@pytest.fixture
def cells(run, tmp_path, monkeypatch):
    """cells("-m", "format=full,doc"): the checked cells of a command, typed in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def composed(*arguments):
        return run.preflight(run.parse_arguments([run.quote_numbers(argument) for argument in arguments]))

    return composed


@pytest.fixture
def config(cells):
    """config("format=doc"): the configuration of a single run."""
    return lambda *arguments: cells(*arguments)[0].config


@pytest.fixture
def refused(run, cells):
    """refused("format=dooc"): the lines with which a command is refused."""

    def lines(*arguments):
        with pytest.raises(run.ConfigurationError) as error:
            cells(*arguments)
        return error.value.lines

    return lines
