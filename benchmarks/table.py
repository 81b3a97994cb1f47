"""What the benchmarks share: timing in turns, the machine's name, and a table that says where it comes from."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "benchmarks"
sys.path.insert(0, str(ROOT / "src"))

from nsp_ablation.base.processor import processor_name  # noqa: E402

_LIBRARIES = ("torch", "transformers", "pytorch-lightning", "tokenizers", "numba", "numpy")


def in_turns(contestants: dict[str, Callable[[], Any]], num_rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each call, one of each contestant a round, so that a slow minute strikes all alike.

    Every contestant runs once before the clock starts.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        run()
    for _ in range(num_rounds):
        for name, run in contestants.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def machine(gpu: str | None) -> dict[str, str]:
    """Return what the figures depend on: processor, cores, the GPU if one is used, commit and versions."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    changes = ["git", "status", "--porcelain", "-uno", "--", ".", ":!results"]  # the tables are written on the way
    dirty = subprocess.run(changes, cwd=ROOT, capture_output=True, text=True)
    return {
        "processor": processor_name(),
        **({"gpu": gpu} if gpu else {}),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
        "commit": commit.stdout.strip() + (" with changes" if dirty.stdout.strip() else ""),
    }


def write_table(
    name: str,
    title: str,
    columns: list[str],
    rows: list[list[str]],
    notes: list[str],
    *,
    details: dict[str, Any] | None = None,
    directory: Path = RESULTS,
    gpu: str | None = None,
) -> None:
    """Print a table and write it to `directory`/`name`.md and .json, the latter with `details`."""
    facts = machine(gpu)
    lines = [f"# {title}", "", f"`{' '.join(['python', *_command()])}`: " + _sentence(facts), ""]
    lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", *(f"- {note}" for note in notes)]
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.md").write_text(text)
    content = {"machine": facts, "columns": columns, "rows": rows, **(details or {})}
    (directory / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def rate(number: float, unit: str) -> str:
    """Return a rate with three digits: 123 M tokens/s."""
    for scale, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= scale:
            return f"{number / scale:.3g}{prefix} {unit}"
    return f"{number:.3g} {unit}"


def _command() -> list[str]:
    program, *arguments = sys.argv
    path = Path(program).resolve()
    return [str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name, *arguments]


def _sentence(facts: dict[str, str]) -> str:
    libraries = ", ".join(f"{name} {facts[name]}" for name in _LIBRARIES)
    place = f"{facts['processor']}, {facts['cores']} cores, Python {facts['python']}"
    if "gpu" in facts:
        place = f"{facts['gpu']}, {place}"
    commit, *changes = facts["commit"].split(" ", 1)
    return f"commit {' '.join([commit[:7], *changes])}, {place}, {libraries}."
