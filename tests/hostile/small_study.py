"""A study as small as one can be, in a directory that can be copied: two cells, a task, a probe, and their table."""

import copy
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

NAMES, PLACES = ("Anna", "Ben", "Clara", "David"), ("Rome", "Oslo", "Bonn")
_SMALL = (
    *("scale=smoke", "max_length=32", "corpus.heldout_fraction=0.3", "corpus.num_processes=1"),
    *("model.num_layers=1", "model.hidden_size=8", "model.num_heads=1", "model.intermediate_size=8"),
    *("pretraining.max_steps=4", "pretraining.checkpoint_seconds=0", "finetuning.max_steps=4"),
    *("finetuning.untrained_row=false", "trainer.progress=false"),
)
# two points of a curve: after the first update and after the last
COMMON = (*_SMALL, "corpus=jsonl", "tasks=[sst2,heldout_mlm]", "pretraining.evaluate_at=[1]")
# each cell has a tokenizer, stores, an index and an encoder of its own, so that one can be taken for the other
CELLS = (("format=full", "tokenizer.vocab_size=290"), ("format=segment_pair", "tokenizer.vocab_size=300"))
# a corpus that is an artifact itself, with the task's files; no pre-training, which has its own cases
GENERATED = (*_SMALL, "corpus.num_documents=60", "tokenizer.vocab_size=290", "tasks=[sst2]")
GENERATED = (*GENERATED, "stage=finetune", "encoder=random")
TABLES = ("table.csv", "table.md", "table.tex", "comparisons.csv")


def write_inputs(directory: Path) -> None:
    """Write the user's own files: 60 documents, and a task of 12 examples."""
    rows = []
    for number in range(60):
        sentences = [
            f"{NAMES[(number + i) % 4]} lived {number + i} years in {PLACES[i % 3]}{' with a cat' * (i % 4)}."
            for i in range(2 + number % 7)
        ]
        rows.append(json.dumps({"text": " ".join(sentences)}))
    (directory / "corpus.jsonl").write_text("\n".join(rows))
    (directory / "sst2").mkdir()
    for split in ("train", "dev"):
        lines = [f"{NAMES[i % 4]} likes {PLACES[i % 3]} {i}\t{i % 2}" for i in range(12)]
        (directory / "sst2" / f"{split}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status and the lines that it wrote to stderr."""

    status: int
    errors: list[str]


@dataclass(frozen=True)
class SmallStudy:
    """The study below `path`; `run(name, plan)` runs the command `name` of a plan of cells in this process."""

    path: Path
    plan: object
    run_plan: Callable[[str, object], Ended]

    def run(self, stage: str | None = None, number: int | None = None) -> Ended:
        """Run the sweep (or its cell of this number alone), or `stage=report`, once more."""
        cells = self.plan.cells if number is None else self.plan.cells[number : number + 1]
        return self.run_plan("run.py", replace(self.plan, cells=[self._placed(cell, stage) for cell in cells]))

    def copy(self, path: Path) -> "SmallStudy":
        shutil.copytree(self.path, path, symlinks=True)
        return replace(self, path=path)

    def _placed(self, cell, stage):
        config = copy.deepcopy(cell.config)
        config.stage, config.paths.artifacts = stage or config.stage, str(self.path / "artifacts")
        config.paths.results = str(self.path / "results")
        return replace(cell, config=config)

    def tables(self) -> dict[str, bytes]:
        """Return the tables by name."""
        report = self.path / "results" / "adhoc" / "report"
        return {name: (report / name).read_bytes() for name in TABLES if (report / name).is_file()}

    def files(self) -> set[str]:
        """Return the paths of all files, relative to the study."""
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()}

    def follow(self, lines: list[str]) -> list[Path]:
        """Do what lines of error say: delete the file, the link or the directory that they name; return these."""
        done = []
        for line in lines:
            named = [Path(text.rstrip(".")) for text in re.findall(rf"{re.escape(str(self.path))}[^\s;,:()'\"]*", line)]
            assert named, f"no path of the study in: {line}"
            path = named[0]
            assert re.search(r"\bdelete\b", line), f"no remedy in: {line}"
            if "delete its directory" in line:
                parts = path.relative_to(self.path).parts
                path = self.path.joinpath(*parts[:3]) if parts[0] == "artifacts" else path.parent
            if os.path.lexists(path):
                done.append(path)
                (shutil.rmtree if path.is_dir() and not path.is_symlink() else os.unlink)(path)
        return done
