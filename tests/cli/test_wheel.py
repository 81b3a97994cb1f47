"""The wheel: what it holds, and its program `nsp-ablation`, which finds its configurations inside the package."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nsp_ablation.cli.explain import help_text

ROOT = Path(__file__).parents[2]
PROGRAM = "nsp-ablation"
# as pip writes it
SCRIPT = f"#!{sys.executable}\nimport sys\nfrom nsp_ablation.cli.program import run\nsys.exit(run())\n"
SMOKE = (
    *("-m", "format=full,doc", "masking=dynamic", "scale=smoke", "tasks=[sst2,in_context_recall]"),
    *("finetuning.untrained_row=false", "corpus.num_processes=1", "launcher.num_cells=1"),
)


def files_below(directory: Path, name: str) -> set[str]:
    """The files of a directory as the wheel names them, below the package."""
    paths = [path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {f"nsp_ablation/{name}{path.relative_to(directory)}" for path in paths}


def test_the_wheel_holds_the_package_the_configurations_and_nothing_else(wheel):
    expected = files_below(ROOT / "src/nsp_ablation", "")
    for name in ("conf", "experiments"):
        expected |= files_below(ROOT / name, f"{name}/")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected
    assert {"nsp_ablation/conf/config.yaml", "nsp_ablation/experiments/table2_formats.yaml"} < names


@pytest.fixture
def typed(unpacked, tmp_path):
    """typed("format=dooc"): the installed program, run in an empty directory."""
    script = tmp_path / "bin" / PROGRAM
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    empty = tmp_path / "empty"
    empty.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess:
        env = {**os.environ, "PYTHONPATH": str(unpacked)}
        return subprocess.run([script, *words], cwd=empty, env=env, capture_output=True, text=True)

    return run


def test_help_shows_commands_of_the_program_that_was_typed(composer, monkeypatch):
    monkeypatch.setattr("sys.argv", [f"/usr/bin/{PROGRAM}", "--help"])
    text = help_text(composer)
    assert f"  {PROGRAM} -m format=full,doc masking=dynamic" in text
    assert "run.py" not in text


def test_the_installed_program_finds_its_files(typed):
    refused = typed("experiment=table2")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: experiment=table2: no such option; did you mean table2_formats? allowed: ")
    shown = typed("--cfg", "job", "-p", "name", "experiment=table2_formats")
    assert shown.stdout.strip().splitlines()[-1] == "table2_formats/micro"


@pytest.mark.slow
def test_an_installed_wheel_runs_the_main_job_and_completes_in_a_shell(wheel, tmp_path):
    """Beside the installed libraries (`--no-deps`), in a directory of its own: nothing of the checkout is near."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target")
    installed = subprocess.run([*pip, tmp_path / "site", wheel], capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    env = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "site"),
        "PATH": f"{tmp_path / 'site/bin'}{os.pathsep}{os.environ['PATH']}",
    }
    work = tmp_path / "work"
    work.mkdir()
    ended = subprocess.run([PROGRAM, *SMOKE], cwd=work, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader((work / "results/adhoc/report/table.csv").read_text().splitlines()))
    assert {row["condition"] for row in rows if row["arm"] == "trained"} == {"full", "doc"}
    manifest = json.loads((work / "results/adhoc/manifest.json").read_text())
    assert manifest["command"].startswith(f"{PROGRAM} -m format=full,doc masking=dynamic ")
    completed = (
        f'eval "$({PROGRAM} -sc install=bash)"; COMP_LINE="{PROGRAM} format=s" COMP_CWORD=1\n'
        'hydra_bash_completion; echo "${COMPREPLY[@]}"'
    )
    shown = subprocess.run(["bash", "-c", completed], cwd=work, env=env, capture_output=True, text=True)
    assert shown.stdout.split() == ["format=segment_pair", "format=sentence_pair"], shown.stderr
