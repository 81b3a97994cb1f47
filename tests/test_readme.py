"""The commands of README and docs/ are commands: each composes and passes the checks."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PAGES.remove(ROOT / "docs/extending.md")  # commands of variants that its recipes add, which tests/extending runs
TEXT = "\n".join(page.read_text() for page in PAGES)
COMMANDS = {
    line.split("#")[0].strip().removeprefix("srun ")
    for kind, block in re.findall(r"^```([^\n]*)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if kind in ("", "bash") and line.startswith(("python run.py", "srun python run.py", "nsp-ablation "))
}
LAUNCHER = "hydra_plugins.hydra_submitit_launcher"


def test_the_pages_show_commands():
    assert len(COMMANDS) >= 12


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_command_passes_the_checks(planned, tmp_path, monkeypatch, command):
    if "submitit" in command and importlib.util.find_spec("hydra_plugins") is None:
        pytest.skip(f"{LAUNCHER} comes with the extra `slurm`")
    monkeypatch.setattr("nsp_ablation.config.preparation_checks.find_spec", lambda name: name)  # the extra `cluster`
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("data/a.jsonl.xz", "FILE"):
        (tmp_path / name).touch()
    words = shlex.split(command)
    assert planned(*words[2 if words[0] == "python" else 1 :])


def test_every_make_target_that_the_pages_name_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:`|^)make ([a-z-]+)", TEXT, flags=re.MULTILINE))
    assert targets
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)
