"""Each recipe of docs/extending.md touches as many files as it says, and what it adds runs from end to end."""

import csv
import json
import re
from pathlib import Path

import pytest
from transformers import AutoModelForPreTraining

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs/extending.md").read_text()
# Files, new and changed, without tests and the generated page of settings.
NUM_FILES = {
    "A format": 3,
    "A task of an existing kind": 1,
    "A kind of task": 4,
    "A zero-shot probe": 3,
    "A corpus reader": 3,
    "An architecture": 2,
    "An experiment": 1,
    "A row of a published table": 1,
    "An output of the report": 2,
}
SMOKE = ("scale=smoke", "corpus.num_processes=1", "trainer.progress=false")


def table(extended, name):
    """The rows of table.csv of trained arms, in the tasks' primary metrics, by (condition, budget, task)."""
    text = (extended.directory / f"results/{name}/report/table.csv").read_text()
    rows = [row for row in csv.DictReader(text.splitlines()) if row["arm"] == "trained"]
    return {(row["condition"], row["budget"], row["task"]): row for row in reversed(rows)}


def page(extended, name):
    return (extended.directory / f"results/{name}/report/table.md").read_text()


def write_pairs(directory, columns, label_of, name="{split}.tsv"):
    """Write train.tsv (16 pairs) and dev.tsv (8) of sentences and labels; without columns there is no header."""
    directory.mkdir(exist_ok=True)
    for split, number in (("train", 16), ("dev", 8)):
        rows = [f"Where does Anna live {n}?\tAnna lives in Rome {n % 3}.\t{label_of(n)}" for n in range(number)]
        header = ["\t".join(columns)] if columns else []
        (directory / name.format(split=split)).write_text("\n".join([*header, *rows]) + "\n")
    return directory


@pytest.fixture
def qnli(extended):
    """`tasks=[qnli]` with its files."""
    labels = ("entailment", "not_entailment")
    path = write_pairs(extended.directory / "qnli", ("question", "sentence", "label"), lambda n: labels[n % 2])
    return ["tasks=[qnli]", f"tasks.qnli.path={path}"]


def test_extending_has_a_recipe_and_a_row_for_each_addition(extended):
    rows = re.findall(r"^\| \[(.*?)\]\(#(.*?)\).*\| (\d+) \|$", PAGE, re.MULTILINE)
    assert {anchor: int(number) for _, anchor, number in rows} == {
        title.lower().replace(" ", "-"): number for title, number in NUM_FILES.items()
    }
    assert set(extended.changed) == set(NUM_FILES)


@pytest.mark.parametrize("title", NUM_FILES)
def test_extending_touches_as_many_files_as_the_page_says(extended, title):
    assert len(extended.changed[title]) == NUM_FILES[title]
    assert not [path for path in extended.changed[title] if path.startswith("tests/")]


def test_extending_by_a_format(extended):
    budgets = ("paper", "tokens", "sequences")
    refused = extended("format=full", "format.window_sentences=2")
    assert refused.status == 2
    assert "format=full has no such key; it belongs to format=window" in refused.printed
    words = ("format=window", *SMOKE, "tasks=[heldout_mlm]")
    before = extended("stage=cost", *words)
    assert (before.status, "window inputs taken to hold 96 tokens" in before.printed) == (0, True), before.printed
    ended = extended("-m", *words, f"budget={','.join(budgets)}", "name=windows")
    assert ended.status == 0, ended.printed
    rows = table(extended, "windows")
    assert set(rows) == {("window", budget, "heldout_mlm") for budget in budgets}
    assert all(float(row["median"]) > 1 for row in rows.values())
    assert "| WINDOW" in page(extended, "windows")
    assert "the prepared store" in extended("stage=cost", *words).printed
    shown = extended("stage=inspect", *words, "format.window_sentences=2")
    assert (shown.status, "window, mlm" in shown.printed) == (0, True), shown.printed
    files = ("inspect.output=rows.jsonl", "inspect.num_samples=all", "inspect.figure=page.svg", "max_length=40")
    assert extended("stage=inspect", *words, "format.window_sentences=2", *files).status == 0
    assert "WINDOW" in (extended.directory / "page.svg").read_text()
    _, *samples = map(json.loads, (extended.directory / "rows.jsonl").read_text().splitlines())
    assert len(samples) > 400
    assert {len(sample["spans"]) for sample in samples} == {1}
    assert {end - start for sample in samples for _, start, end, *_ in sample["spans"]} == {1, 2}


def test_extending_by_a_task(extended):
    labels, directory = ("entails", "neutral"), extended.directory / "scitail"
    path = write_pairs(directory, (), lambda n: labels[n % 2], "scitail_1.0_{split}.tsv")
    ended = extended(*SMOKE, "tasks=[scitail]", f"tasks.scitail.path={path}", "name=task")
    assert ended.status == 0, ended.printed
    assert 0 <= float(table(extended, "task")["full", "paper", "scitail"]["median"]) <= 100
    assert "SciTail acc." in page(extended, "task")


def test_extending_by_a_kind_of_task(extended):
    directory = extended.directory / "goemotions"
    directory.mkdir()
    for split, number in (("train", 16), ("dev", 8)):
        rows = [f"Anna is {('glad', 'sad and angry')[n % 2]}.\t{('3', '0,4')[n % 2]}\tid{n}" for n in range(number)]
        (directory / f"{split}.tsv").write_text("\n".join(rows) + "\n")
    words = (*SMOKE, "tasks=[goemotions]", f"tasks.goemotions.path={directory}", "name=kind")
    ended = extended(*words)
    assert ended.status == 0, ended.printed
    row = table(extended, "kind")["full", "paper", "goemotions"]
    assert (row["metric"], 0 <= float(row["median"]) <= 100) == ("set_f1", True)
    assert "GoEmotions F1" in page(extended, "kind")
    (directory / "dev.tsv").write_text("Anna is.\t3,7\tid0\n")
    refused = extended(*words)
    assert (refused.status, "dev.tsv: line 1 has label '7', expected 0 to 6; mend the row" in refused.printed) == (
        1,
        True,
    )


def test_extending_by_a_probe(extended):
    ended = extended(*SMOKE, "tasks=[next_token]", "name=probe")
    assert ended.status == 0, ended.printed
    row = table(extended, "probe")["full", "paper", "next_token"]
    assert (row["metric"], row["num_finetuning_seeds"], float(row["median"]) > 0) == ("surprisal", "0", True)
    assert "Next token nats" in page(extended, "probe")


@pytest.fixture
def csv_corpus(extended):
    """`corpus=csv` with a file of 60 documents, some of which hold a comma and a line end."""
    with open(extended.directory / "corpus.csv", "w", newline="") as file:
        texts = [f"Anna has {n} cats, and a dog.\nShe lives in Rome {n}. Ben knows her." for n in range(60)]
        csv.writer(file).writerows([("id", "text"), *enumerate(texts)])
    return [
        "corpus=csv",
        "corpus.path=corpus.csv",
        "corpus.heldout_fraction=0.2",
        "tokenizer.vocab_size=300",
        "max_length=32",
    ]


def test_extending_by_a_corpus_reader(extended, csv_corpus):
    assert "corpus.path=null: corpus=csv needs files" in extended("corpus=csv").printed
    ended = extended("stage=inspect", *SMOKE, *csv_corpus, "inspect.output=csv.jsonl", "format=doc")
    assert ended.status == 0, ended.printed
    header = json.loads((extended.directory / "csv.jsonl").read_text().splitlines()[0])["header"]
    assert 0 < header["num_documents"] < 60
    assert header["num_sentences"] == 3 * header["num_documents"]


def test_extending_by_an_architecture(extended, qnli):
    words = (*SMOKE, "model.architecture=ernie")
    ended = extended(*words, *qnli, "name=architecture")
    assert ended.status == 0, ended.printed
    assert ("full", "paper", "qnli") in table(extended, "architecture")
    assert extended(*words, "stage=export", "export.output=exported").status == 0
    model, info = AutoModelForPreTraining.from_pretrained(extended.directory / "exported", output_loading_info=True)
    assert type(model).__name__ == "ErnieForPreTraining"
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    probed = extended(*SMOKE, "stage=finetune", "encoder=exported", "tasks=[heldout_mlm]", "name=external")
    assert probed.status == 0, probed.printed


def test_extending_by_an_experiment(extended):
    ended = extended(
        "-m", "experiment=window_length", *SMOKE, "tasks=[heldout_mlm]", "report.primary_measure=heldout_mlm"
    )
    assert ended.status == 0, ended.printed
    assert {condition for condition, *_ in table(extended, "window_length/smoke")} == {"full", "window"}
    text = (extended.directory / "results/window_length/smoke/report/comparisons.csv").read_text()
    assert {(row["a"], row["b"]) for row in csv.DictReader(text.splitlines())} == {("full", "window")}


def test_extending_by_a_published_row(extended, csv_corpus):
    """Published numbers stand beside real text alone, so the corpus is a file."""
    path = write_pairs(extended.directory / "sst2", ("id", "sentence", "label"), lambda n: n % 2)
    tasks = ("tasks=[sst2]", f"tasks.sst2.path={path}")
    ended = extended(*SMOKE, *csv_corpus, *tasks, "report.published=table4", "name=published")
    assert ended.status == 0, ended.printed
    assert re.search(r"^\| RoBERTa \| 95\.3 \|$", page(extended, "published"), re.MULTILINE)


def test_extending_by_an_output(extended):
    ended = extended(*SMOKE, "stage=finetune", "encoder=random", "tasks=[next_token]", "name=output")
    assert ended.status == 0, ended.printed
    (point,) = json.loads((extended.directory / "results/output/report/points.json").read_text())
    assert (point["task"], point["metric"], point["value"] > 0) == ("next_token", "surprisal", True)
