"""The recipes of docs/corpora.md: small files in the layout of each public data set, through a dry run and a training.

A directory of the name that a recipe asks the hub for stands in for it, so that the recipes run as they are.
"""

import csv
import json

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from nsp_ablation.text.store.token_store import TokenStore

PEOPLE, PLACES = ("Anna", "Ben", "Clara", "David"), ("Rome", "Oslo", "Bonn")
TINY = (
    *(
        "scale=smoke",
        "corpus.num_processes=1",
        "corpus.heldout_fraction=0",
        "tokenizer.vocab_size=300",
        "max_length=64",
    ),
    *("tokenizer=bbpe", "stage=pretrain", "tasks=[]", "trainer=cpu", "trainer.progress=false"),
    *("model.num_layers=1", "model.hidden_size=16", "model.num_heads=1", "model.intermediate_size=16"),
)
NUM_DOCUMENTS = 30


def sentences(number):
    """The sentences of a document, 3 to 6."""
    return [
        f"{PEOPLE[(number + i) % 4]} lived {number + i} years in {PLACES[i % 3]}." for i in range(3 + number % 4)
    ]  # fmt: skip


TEXTS = [" ".join(sentences(number)) for number in range(NUM_DOCUMENTS)]


def write_books(directory):
    """BookCorpus with inferred books: a CSV of lower-cased sentences."""
    directory.mkdir(parents=True)
    with open(directory / "bookcorpus_clean.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["doc_id", "sent_id", "text"])
        for number in range(NUM_DOCUMENTS):
            rows.writerows([number, i, text.lower()] for i, text in enumerate(sentences(number)))


def write_wikipedia(directory):
    """Wikipedia: a folder of Parquet for each date and language, named in the card."""
    (directory / "20231101.en").mkdir(parents=True)
    titles = [f"Title {number}" for number in range(NUM_DOCUMENTS)]
    texts = [
        f"{' '.join(lines[:2])}\n\nHistory\n{' '.join(lines[2:])}" for lines in map(sentences, range(NUM_DOCUMENTS))
    ]
    ids = [str(number) for number in range(NUM_DOCUMENTS)]
    table = pyarrow.table({"id": ids, "url": ids, "title": titles, "text": texts})
    pyarrow.parquet.write_table(table, directory / "20231101.en/train-00000-of-00041.parquet")
    configs = [{"config_name": name, "data_files": f"{name}/*"} for name in ("20231101.en",)]
    (directory / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n")


def write_news(directory):
    """CC-News: one article a row, with title, domain, date, description and addresses."""
    (directory / "plain_text").mkdir(parents=True)
    columns = {name: ["x"] * NUM_DOCUMENTS for name in ("title", "domain", "date", "description", "url", "image_url")}
    table = pyarrow.table({**columns, "text": TEXTS})
    pyarrow.parquet.write_table(table, directory / "plain_text/train-00000-of-00005.parquet")


def write_rows(directory):
    """OpenWebText and Stories: Parquet rows of nothing but text."""
    (directory / "data").mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS}), directory / "data/train-00000-of-00001.parquet")


HUB = {
    "kd13/bookcorpus-clean": write_books,
    "wikimedia/wikipedia": write_wikipedia,
    "vblagoje/cc_news": write_news,
    "Skylion007/openwebtext": write_rows,
    "lucadiliello/STORIES": write_rows,
}
RECIPES = {"wikipedia": 1, "books_wikipedia": 2, "roberta_160gb": 5}  # data sets


@pytest.fixture
def public(tmp_path, tmp_path_factory, monkeypatch):
    """Directories named as the data sets of the hub, in their layouts, in the working directory."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets"))
    for name, write in HUB.items():
        write(tmp_path / name)


def write_babylm(directory):
    """Write the six files of a BabyLM track as its preparation makes them, two of them without document borders."""
    directory.mkdir()
    numbers = range(NUM_DOCUMENTS)
    files = {
        "bnc_spoken": "".join("\n".join(sentences(n)).lower() + "\n\n" for n in numbers),
        "childes": "".join(
            f"= = = childes/{n}.cha = = =\n" + "".join(f"*MOT:\t{line}\n*CHI:\tno .\n" for line in sentences(n)) + "\n"
            for n in numbers
        ),
        "gutenberg": "".join(f"= = = PG{n} = = =\n{TEXTS[n]}\n*CHAPTER I*\n{TEXTS[n]}\n\n" for n in numbers),
        "open_subtitles": "".join("- " + "\n- ".join(sentences(n)) + "\n" for n in numbers),
        "simple_wiki": "".join(f"= = = Title {n} = = =\n{TEXTS[n]}\nHistory\n{TEXTS[n]}\n\n" for n in numbers),
        "switchboard": "".join(f"A:\t{line}\nB:\tYeah, \n" for n in numbers for line in sentences(n)),
    }
    for name, text in files.items():
        (directory / f"{name}.train").write_text(text)


def store_of(tmp_path):
    """Open the only token store below the working directory."""
    (directory,) = (tmp_path / "artifacts/stores").glob("*/train")
    return TokenStore.open(directory)


@pytest.mark.parametrize("corpus", RECIPES)
def test_a_recipe_of_the_hub_tells_its_cost_and_trains(nsp, tmp_path, public, corpus):
    priced = nsp("scale=paper", f"corpus={corpus}", "stage=cost", "format=doc", "trainer.dry_run_device=A100")
    assert priced.status == 0, priced.err
    assert "hours " in priced.out
    ended = nsp(*TINY, f"corpus={corpus}", "format=segment_pair", "corpus.num_documents=null")
    assert ended.status == 0, ended.err
    store = store_of(tmp_path)
    assert store.num_documents == RECIPES[corpus] * NUM_DOCUMENTS
    if corpus == "books_wikipedia":  # a row of the books is a sentence, a heading of Wikipedia a part of its paragraph
        books = sum(len(sentences(number)) for number in range(NUM_DOCUMENTS))
        assert store.document_offsets[NUM_DOCUMENTS] == books


BORDERED = "[babylm/bnc_spoken.train,babylm/childes.train,babylm/gutenberg.train,babylm/simple_wiki.train]"


@pytest.mark.parametrize("corpus", ["babylm_10m", "babylm_100m"])
def test_babylm_trains_from_its_files(nsp, tmp_path, corpus):
    write_babylm(tmp_path / "babylm")
    chosen = (f"corpus={corpus}", "corpus.num_documents=null", f"corpus.path={BORDERED}")
    priced = nsp(*chosen, "scale=babylm", "stage=cost", "format=doc", "trainer.dry_run_device=A100")
    assert priced.status == 0, priced.err
    ended = nsp(*TINY, *chosen, "format=doc")
    assert ended.status == 0, ended.err
    store = store_of(tmp_path)
    assert store.num_documents == 4 * NUM_DOCUMENTS
    counts = [len(sentences(number)) for number in range(NUM_DOCUMENTS)]
    spoken, childes, books = (store.document_offsets[NUM_DOCUMENTS * part] for part in (1, 2, 3))
    assert spoken == sum(counts), "a line of the BNC is an utterance"
    assert childes - spoken == 2 * sum(counts), "no utterance crosses a line"
    assert books - childes == sum(2 * count + 1 for count in counts), "a line of a book is a paragraph"


def test_babylms_files_without_borders_train_full_and_are_refused_by_doc(nsp, tmp_path):
    write_babylm(tmp_path / "babylm")
    chosen = (*TINY, "corpus=babylm_10m", "corpus.num_documents=null", "corpus.path=babylm")
    ended = nsp(*chosen, "format=full")
    assert ended.status == 0, ended.err
    assert store_of(tmp_path).num_documents == 4 * NUM_DOCUMENTS + 2
    refused = nsp(*chosen, "format=doc")
    assert refused.status != 0
    (line,) = [line for line in refused.err.splitlines() if line.startswith("error: ")]
    assert "open_subtitles.train has no line that parts documents" in line
    assert "leave it out of corpus.path, or use format=full" in line


@pytest.mark.slow
def test_babylms_experiment_runs_on_its_files(nsp, tmp_path):
    write_babylm(tmp_path / "babylm")
    pair = {
        "sentence_good": "Anna lived in Rome.",
        "sentence_bad": "Anna lived Rome in.",
        "UID": "order",
        "pairID": "0",
    }
    (tmp_path / "blimp").mkdir()
    pairs = [json.dumps({**pair, "field": "syntax", "linguistics_term": "order", "pairID": str(n)}) for n in range(4)]
    (tmp_path / "blimp/order.jsonl").write_text("\n".join(pairs))
    small = (word for word in TINY if not word.startswith(("stage=", "tasks=", "max_length=")))
    ended = nsp(
        *("-m", "experiment=babylm", *small, "corpus=babylm_10m", f"corpus.path={BORDERED}", "tasks=[blimp]"),
        *("corpus.num_documents=null", "tasks.blimp.path=blimp", "seed=1", "finetuning.untrained_row=false"),
    )
    assert ended.status == 0, ended.err
    with open(tmp_path / "results/babylm/smoke/report/comparisons.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["task"] for row in rows if row["primary"] == "True"} == {"blimp"}
    assert all(row["difference"] for row in rows)
