"""What the hostile day shares: its modules, the study in each of its states, and a count of how its cases ended."""

import builtins
import importlib.util
import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nsp_ablation.cli import main as front
from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.planned_cells import open_composer, plan
from nsp_ablation.reporting.render import outputs

ROOT = Path(__file__).parents[2]
ENDED: list[tuple[str, str, bool]] = []


def load(name):
    """Import a module that lies beside this one."""
    full = f"hostile_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).parent / f"{name}.py")
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


@pytest.fixture(scope="session")
def damage():
    return load("damage")


@pytest.fixture
def outputs_for(monkeypatch):
    """outputs_for(pattern): leave out what takes most of a second to draw, where a case is about another file."""

    def keep(pattern):
        for name in [name for name in outputs.OUTPUTS if name not in load("small_study").TABLES]:
            if not pattern.startswith("results/adhoc/report"):
                monkeypatch.delitem(outputs.OUTPUTS, name)

    return keep


@pytest.fixture
def run_plan(monkeypatch, capsys):
    """run_plan(name, plan) -> how the command ends that has these cells: the whole front door but its composition."""
    small_study = load("small_study")

    def run(name, cells):
        monkeypatch.setattr(front, "open_composer", lambda *_: None)
        monkeypatch.setattr(front, "plan", lambda *_: cells)
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            front.main(["run.py", name], ROOT)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return small_study.Ended(int(stop.value.code or 0), printed.err.splitlines())

    return run


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """The user's own files."""
    directory = tmp_path_factory.mktemp("inputs")
    load("small_study").write_inputs(directory)
    return directory


@pytest.fixture(scope="session")
def states(inputs, tmp_path_factory):
    """The study in each of its states; cells are composed and checked once."""
    study = load("small_study")
    paths = (f"corpus.path={inputs}/corpus.jsonl", f"tasks.sst2.path={inputs}/sst2")
    words = [*((*own, *study.COMMON, *paths) for own in study.CELLS), study.GENERATED]
    arguments = [parse_arguments(list(each)) for each in words]
    composer = open_composer(arguments[0], ROOT)
    first, second, generated = (plan(each, composer) for each in arguments)
    plans = {"files": replace(first, cells=[*first.cells, *second.cells]), "generated": generated}
    return load("states").States(tmp_path_factory.mktemp("states"), plans, load("matrix"))


@pytest.fixture
def study_in(states, run_plan, tmp_path):
    """study_in(state) -> (a copy of the study in that state, its tables when done, the files of its first cell)."""
    new = load("small_study").SmallStudy
    return lambda state: states.give(state, lambda path, plan: new(path, plan, run_plan), tmp_path / "study")


@pytest.fixture
def closed(monkeypatch):
    """closed(path): refuse to open a file of mode 0, as the kernel does for everybody but root."""

    def close(path):
        def refusing(opened):
            def open_or_refuse(file, *arguments, **options):
                same = isinstance(file, str | bytes | os.PathLike) and os.path.abspath(os.fsdecode(file)) == str(path)
                if same and os.path.exists(path) and not os.stat(path).st_mode & 0o777:
                    raise PermissionError(13, "Permission denied", str(path))
                return opened(file, *arguments, **options)

            return open_or_refuse

        if os.geteuid() == 0:
            for module in (builtins, io, os):
                monkeypatch.setattr(module, "open", refusing(module.open))

    return close


@pytest.fixture
def note():
    """note(case, seen): how the commands after a damage ended, for the summary."""
    return lambda case, seen: ENDED.append((f"{case.pattern}, {case.state}", case.damage, "refused" in seen))


def pytest_terminal_summary(terminalreporter):
    """Print the cases that passed: whether the damage was refused at first, or the same tables came at once."""
    kinds = {}
    for kind, damage, was_refused in ENDED:
        kinds.setdefault(kind, []).append(f"{damage}{' (refused first)' if was_refused else ''}")
    for kind, damages in kinds.items():
        terminalreporter.write_line(f"hostile day: {kind}: {', '.join(damages)}")
