"""The commands that README and docs/ show are run, at scale=smoke: each ends with status 0 and makes what it says.

That every command composes as it stands is held by `tests/test_readme.py`.
"""

import csv
import json
import lzma
import random
import re
import shlex
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/data.md", "docs/scale.md")
ELSEWHERE = {
    "README.zh.md": "shows the commands of README.md",
    "docs/clusters.md": "needs a cluster",
    "docs/corpora.md": "runs in test_corpus_recipes.py",
    "docs/exports.md": "runs in test_pipeline.py",
    "docs/extending.md": "runs in tests/extending",
    "docs/scaling.md": "asks for a cost, as docs/scale.md does",
    "docs/report.md": "needs an account of wandb",
    "docs/statistics.md": "runs in tests/inspection/test_inspect_equal_to.py",
}
# What makes a run a matter of seconds and is no part of what a command shows. Main jobs with all tasks are run by
# test_pipeline.py, and all experiments.
SMOKE = (
    *("scale=smoke", "finetuning.untrained_row=false", "corpus.num_processes=1", "trainer.progress=false"),
    *("model.num_layers=1", "model.hidden_size=16", "model.num_heads=1", "model.intermediate_size=16"),
)
TASKS = "tasks=[sst2,in_context_recall]"
ENCODER = "bert-base-uncased"  # here a directory of that name: no test asks the hub
# What stands in for files and for size, by a word of the command.
OWN_CORPUS = ("corpus.heldout_fraction=0.2", "tokenizer.vocab_size=290")
INSTEAD = {
    "corpus.path=data/*.jsonl.xz": OWN_CORPUS,
    "corpus.path=FILE": ("tasks.squad1.path=squad", "tasks.sst2.path=sst2"),
    "scale=paper": (),  # costs nothing to ask
}


def shown(pages=PAGES) -> list[str]:
    """The commands of the pages, each once, in their order."""
    text = "\n".join((ROOT / page).read_text() for page in pages)
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.split("  #")[0].strip() for kind, block in blocks if not kind for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.startswith("python run.py")))


COMMANDS = [command for command in shown() if "experiment=" not in command or "stage=" in command]


def text_of(draw: random.Random) -> str:
    """A document of six sentences."""
    words = ["an", "at", "he", "in", "it", "on", "or", "to", "up", "we"]
    return " ".join(" ".join(draw.choices(words, k=8)).capitalize() + "." for _ in range(6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The directory that the commands run in, with files where they name some."""
    directory, draw = tmp_path_factory.mktemp("shown"), random.Random(1)
    lines = "".join(json.dumps({"text": text_of(draw)}) + "\n" for _ in range(80))
    for name in ("data", "docs", "squad", "sst2"):
        (directory / name).mkdir()
    (directory / "data/a.jsonl.xz").write_bytes(lzma.compress(lines.encode()))
    (directory / "FILE").write_text(lines)
    context = "Anna lives in Rome. Ben lives in Paris."
    for split, number in (("train", 8), ("dev", 4)):
        questions = [
            {
                "id": f"{split}{n}",
                "question": "Where does Anna live?",
                "answers": [{"text": "Rome", "answer_start": 14}],
            }
            for n in range(number)
        ]
        article = {"title": "Anna", "paragraphs": [{"context": context, "qas": questions}]}
        (directory / f"squad/{split}-v1.1.json").write_text(json.dumps({"version": "1.1", "data": [article]}))
        rows = "".join(f"{('a good film', 'a bad film')[n % 2]}\t{1 - n % 2}\n" for n in range(number))
        (directory / f"sst2/{split}.tsv").write_text(f"sentence\tlabel\n{rows}")
    return directory


@pytest.fixture
def run(command_line, folder, monkeypatch, capsys):
    """run("python run.py seed=1", ...): run a command with further settings; return status and what it printed."""
    monkeypatch.chdir(folder)

    def ended(command: str, *settings: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [*shlex.split(command)[1:], *settings])
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out + printed.err

    return ended


def test_every_page_with_commands_is_run():
    pages = [path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
    assert {str(page) for page in pages if shown([page])} == {*PAGES, *ELSEWHERE}
    assert len(COMMANDS) >= 11
    assert {word for command in COMMANDS for word in shlex.split(command)} >= set(INSTEAD)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_shown_command_ends_well_and_makes_what_it_says(run, folder, command):
    words = shlex.split(command)
    if f"encoder={ENCODER}" in words:  # with as many positions as the command asks for
        assert run("python run.py stage=export", *SMOKE, f"export.output={ENCODER}", "max_length=512")[0] == 0
    (instead,) = [more for word, more in INSTEAD.items() if word in words] or [()]
    smoke = () if "scale=paper" in words else SMOKE
    tasks = () if any(word.startswith(("tasks=", "stage=")) for word in words) else (TASKS,)
    if instead is OWN_CORPUS:  # which has no words for recall, and no task files
        tasks = ("tasks=[context_gain]",)
    status, printed = run(command, *smoke, *tasks, *instead)
    assert status == 0, printed
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    stage = settings.get("stage", "all")
    if stage in ("all", "finetune"):
        rows = list(csv.DictReader((folder / "results/adhoc/report/table.csv").read_text().splitlines()))
        trained = [row for row in rows if row["arm"] == "trained"]
        for key in {"format", "masking"} & settings.keys():
            assert {row[key] for row in trained} == set(settings[key].split(","))
        if "condition" in settings:  # an arm may be called as an earlier command called it
            assert len({row["condition"] for row in trained}) == len(settings["condition"].split(","))
        assert {row["arm"] for row in rows} & {"trained", "external"}
    elif stage == "export":
        assert (folder / settings["export.output"] / "model.safetensors").is_file()
    elif "inspect.figure" in settings:
        assert (folder / settings["inspect.figure"]).read_text().startswith("<svg ")
    else:
        assert {"inspect": "sample 0", "cost": "FLOP", "artifacts": "encoders", "status": "done"}[stage] in printed
