"""README's commands are commands: each composes and passes the checks."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    shlex.split(line.split("#")[0])[2:]
    for block in re.findall(r"^```\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.startswith("python run.py")
]


def test_readme_shows_commands():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_command_passes_the_checks(planned, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("data/a.jsonl.xz", "FILE"):
        (tmp_path / name).touch()
    assert planned(*arguments)


def test_every_make_target_that_readme_names_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"make ([a-z-]+)", README))
    assert targets
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)
