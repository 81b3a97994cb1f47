"""A copy of the project with every recipe of docs/extending.md applied, and a process that runs commands in it."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("src", "conf", "experiments")
_BLOCK = re.compile(r"^```\w+ (new|edit)=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Reads a command's words per line, runs it as `python run.py WORDS` would, and answers [status, output].
_RUNNER = """\
import contextlib, io, json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
sys.path.insert(0, sys.argv[1])
import run
for line in sys.stdin:
    sys.argv[1:] = json.loads(line)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            run.main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
    print(json.dumps([status, printed.getvalue()]), file=answers, flush=True)
"""


class Ended(NamedTuple):
    """How a command ended, and all that it printed."""

    status: int
    printed: str


def recipes(text: str) -> dict[str, list[tuple[str, str, str]]]:
    """Return (new or edit, path, text) of each block of each section of the page, by the section's title."""
    _, *parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    return {title: _BLOCK.findall(body) for title, body in zip(parts[::2], parts[1::2], strict=True)}


def edited(text: str, block: str) -> str:
    """Return a text with a block inserted beside the lines that stand first in it; they occur once."""
    side, anchor, inserted = "", [], block.splitlines()
    while found := re.fullmatch(r"# (before|after): (.*)", inserted[0]):
        side, _ = found[1], anchor.append(found[2])
        del inserted[0]
    lines = text.splitlines()
    stripped = [line.strip() for line in lines]
    places = [n for n in range(len(lines)) if anchor and stripped[n : n + len(anchor)] == anchor]
    assert len(places) == 1, f"{len(places)} times: {anchor}"
    at = places[0] + (len(anchor) if side == "after" else 0)
    return "\n".join([*lines[:at], *inserted, *lines[at:]]) + "\n"


def contents(directory: Path) -> dict[str, bytes]:
    """Return the files below a directory by their paths in it."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


@dataclass
class Extended:
    """The copy: what each recipe changed in it, and commands in an empty directory beside it, one after the other."""

    changed: dict[str, set[str]]
    directory: Path
    runner: Any

    def __call__(self, *words: str) -> Ended:
        """Run `python run.py WORDS` of the copy."""
        self.runner.stdin.write(json.dumps(words) + "\n")
        self.runner.stdin.flush()
        return Ended(*json.loads(self.runner.stdout.readline()))


@pytest.fixture(scope="session")
def extended(tmp_path_factory):
    """The copy with all recipes applied, in the order of the page."""
    copy, directory = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("extended")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run.py", copy)
    changed = {}
    for title, blocks in recipes((ROOT / "docs/extending.md").read_text()).items():
        before = contents(copy)
        for action, path, text in blocks:
            assert (copy / path).exists() == (action == "edit"), path
            (copy / path).write_text(text if action == "new" else edited((copy / path).read_text(), text))
        after = contents(copy)
        changed[title] = {path for path in after if after[path] != before.get(path)}
    command = [sys.executable, "-c", _RUNNER, str(copy)]
    with subprocess.Popen(command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        yield Extended(changed, directory, runner)
        runner.stdin.close()
