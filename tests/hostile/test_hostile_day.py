"""A hostile day: whatever happens to a file, the next command ends in the same tables, or names it and a remedy.

A study is damaged in one file or directory at a time, and the same commands are typed again. What then counts:

- a command that succeeds leaves the tables of the undamaged study, to the byte;
- a command that does not says so in one or two lines, which name the file and a remedy; no number that it leaves in a
  table is another than the undamaged study's; and the remedy works;
- there is no traceback, in the terminal or in a log, and no file of others is changed.

`make test-slow` runs a third of the cases, `make hostile` all of them (HOSTILE=all).
"""

import csv
import importlib.util
import io
import os
from pathlib import Path

import pytest


def _load(name):
    spec = importlib.util.spec_from_file_location(f"hostile_{name}_names", Path(__file__).parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NAMES = _load("damage")
CASES = _load("matrix").cases(NAMES.TO_FILES, NAMES.TO_DIRECTORIES)
CHOSEN = CASES if os.environ.get("HOSTILE") == "all" else CASES[::3]
MAX_LINES, MAX_ROUNDS = 2, 3


@pytest.fixture
def foreign(tmp_path, inputs):
    """Somebody else's directory, with names like ours; at the end all is as it was, and so are the user's inputs."""
    directory = tmp_path / "foreign"
    (directory / "cells").mkdir(parents=True)
    for name in (
        "file.json",
        ".hidden",
        "last.ckpt",
        "scores.svg",
        "cells/full.json",
        "table.csv",
        "model.safetensors",
    ):
        (directory / name).write_text("of somebody else")
    roots = (directory, inputs)
    before = {root: snapshot(root) for root in roots}
    yield directory
    assert {root: snapshot(root) for root in roots} == before, "a file of others was touched"


def snapshot(root):
    """Return the content and the state of every file below a directory."""
    paths = sorted(root.rglob("*"))
    return [(path, path.read_bytes() if path.is_file() else None, path.stat().st_mtime_ns) for path in paths]


def numbers(table):
    """Return the rows of a table.csv that hold a number, without the counts of what failed."""
    rows = csv.DictReader(io.StringIO(table.decode()))
    return {tuple((key, value) for key, value in row.items() if key != "num_failed") for row in rows if row["mean"]}


def targets(study, pattern, own):
    """Return the first match of a pattern among the paths of the study's first cell, and another match, if there is."""
    found = sorted(study.path.glob(pattern))
    first = [path for path in found if is_own(study, path, own)]
    assert first, pattern
    return first[0], next((path for path in found if path not in first), None)


def is_own(study, path, own):
    name = str(path.relative_to(study.path))
    return any(file == name or file.startswith(f"{name}/") for file in own) or "/runs/" in name


def is_said_to_be_lost(tables, damaged):
    """Whether a card, curve or manifest is gone, of which no number comes, and the table for reading says so."""
    said = {
        "/cards": b"is missing; run the command",
        "/curves": b"learning curve missing: curves/",
        "manifest.json": b"not read, since of an older version: the manifest",  # any JSON without a schema
    }
    return any(kind in str(path) and text in tables["table.md"] for path in damaged for kind, text in said.items())


def names_of(paths):
    """Return what a line may call these paths: the path, its directory, and the cell or record of a file."""
    below = [file for path in paths if path.is_dir() for file in path.iterdir()]
    return (
        [str(path) for path in paths] + [str(path.parent) for path in paths] + [file.stem for file in [*paths, *below]]
    )


def judge(study, ended, expected, damaged, names):
    """Return how a command ended; see the top of this file."""
    assert not list(study.path.glob("artifacts/failures/*")), ended.errors
    assert "traceback" not in "\n".join(ended.errors), ended.errors
    if ended.status == 0:
        tables = study.tables()
        if is_said_to_be_lost(tables, damaged):  # a warning in the table for reading; no number changes
            tables["table.md"] = expected["table.md"]
        assert tables == expected, "another table"
        return "same tables"
    assert 1 <= len(set(ended.errors)) <= MAX_LINES * len(damaged), "\n".join(ended.errors)
    assert any(name in "\n".join(ended.errors) for name in names), "\n".join(ended.errors)
    tables = study.tables()
    assert numbers(tables.get("table.csv", b"")) <= numbers(expected["table.csv"]), "another number"
    return "refused"


def state_of(path):
    """Return what a path is: nothing, a link, a file of some content, or a directory of some names."""
    if path.is_symlink():
        return os.readlink(path)
    if path.is_dir():
        return sorted(each.name for each in path.iterdir())
    return path.read_bytes() if path.exists() else None


@pytest.mark.slow
@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_the_same_tables_or_the_file_and_a_remedy(case, study_in, damage, foreign, closed, note, outputs_for):
    study, expected, own = study_in(case.state)
    outputs_for(case.pattern)
    path, other = targets(study, case.pattern, own)
    damaged = [path] if "swapped" not in case.damage else [path, other]
    whole, names = state_of(path), names_of(damaged)
    {**damage.TO_FILES, **damage.TO_DIRECTORIES}[case.damage](path, other, foreign)
    left = state_of(path)
    if case.damage == "unreadable":
        closed(path)

    seen = [judge(study, study.run("report"), expected, damaged, names)] if case.has_report else []
    for _ in range(MAX_ROUNDS):
        ended = study.run()
        seen.append(judge(study, ended, expected, damaged, names))
        if ended.status == 0:
            break
        assert study.follow(ended.errors), f"nothing to delete: {ended.errors}"
    assert seen[-1] == "same tables", ended.errors
    assert study.tables() == expected
    if case.is_read and left not in (whole, None):
        assert state_of(path) != left or case.damage == "unreadable", "the damage is still there"
    note(case, seen)
