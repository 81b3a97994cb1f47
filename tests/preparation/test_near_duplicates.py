"""Near-duplicates that are removed: those that were planted and no others, whatever the number of tasks."""

import json
import random
from dataclasses import replace

import pytest

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.options.preparation_options import PreparationOptions
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.preparation.prepare_in_tasks import prepare_in_tasks
from nsp_ablation.text.store.build_stores import build_stores, shard_bytes
from nsp_ablation.text.store.store_counts import NEAR_DUPLICATES_FILE, NearDuplicates

pytest.importorskip(
    "datatrove", reason="the extra cluster is not installed: nothing of corpus.near_duplicates=remove is tested"
)

NUM_WORDS = 100  # of a document
WORDS = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnrst"]


def text_of(words):
    return " ".join(words) + "."


def original(number):
    return random.Random(number).choices(WORDS, k=NUM_WORDS)


def changed(words, num_changed):
    """The same words but for the last ones: of its 96 5-grams a document shares the first 96 - `num_changed`."""
    start = len(words) - num_changed
    return [*words[:start], *(f"{word}new" for word in words[start:])]


def taken_from(files):
    """Take the counts of what was removed out of the files of stores, and return them."""
    counts = json.loads(files.pop(NEAR_DUPLICATES_FILE))
    without_counts(files)
    return counts


def without_counts(files):
    """Take the checksums of stores out of their files, since they name the file of counts."""
    checksums = json.loads(files.pop("checksums.json"))
    assert {*checksums} - {NEAR_DUPLICATES_FILE} <= {*files}
    return files


def similarity(first, second):
    grams = [{tuple(words[at : at + 5]) for at in range(len(words) - 4)} for words in (first, second)]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


ORIGINALS = [original(number) for number in range(12)]
# (name, words): near-duplicates of Jaccard similarity .92 or more (found with p > .9996), and documents that share
# little: half of the words (.3: p = .001), or nothing, and one of too few words for an n-gram, twice.
DOCUMENTS = [
    *((f"original {number}", words) for number, words in enumerate(ORIGINALS)),
    ("copy of 0", ORIGINALS[0]),
    ("near 1", changed(ORIGINALS[1], 2)),
    ("nearer 1", changed(ORIGINALS[1], 1)),
    ("near 7", changed(ORIGINALS[7], 3)),
    ("half of 2", changed(ORIGINALS[2], 50)),
    ("half of 3", changed(ORIGINALS[3], 55)),
    ("short", ["one", "two", "three"]),
    ("as short", ["one", "two", "three"]),
    ("after", original(99)),
]
REPEATED = {"copy of 0", "near 1", "nearer 1", "near 7"}


@pytest.fixture
def corpus_of(tmp_path):
    """Write documents as JSON lines of three files, and return their source."""

    def make(documents, near_duplicates="remove", **others):
        directory = tmp_path / f"corpus-{len(list(tmp_path.iterdir()))}"
        directory.mkdir()
        for part in range(3):
            rows = documents[part * len(documents) // 3 : (part + 1) * len(documents) // 3]
            lines = "".join(json.dumps({"text": text_of(words)}) + "\n" for _, words in rows)
            (directory / f"{part}.jsonl").write_text(lines)
        options = CorpusOptions("jsonl", "jsonl", text_key="text", near_duplicates=near_duplicates, **others)
        return Source(options, tuple(map(whole, sorted(directory.iterdir()))))

    return make


@pytest.fixture
def prepare(tmp_path, recipe, module):
    """Prepare in so many tasks; return the directory of the stores."""

    def run(source, num_tasks, num_workers=2):
        options = PreparationOptions("datatrove_local", num_tasks=num_tasks, num_workers=num_workers)
        directory = tmp_path / f"stores-{len(list(tmp_path.iterdir()))}"
        prepare_in_tasks(source, recipe, directory, options, say=lambda text: None, finish=module.note)
        return directory

    return run


@pytest.fixture
def stores_of(tmp_path, recipe, module, content):
    """The files of the stores that this machine makes of documents with nothing taken."""

    def make(source):
        directory = tmp_path / "here"
        num_bytes = shard_bytes(source.num_bytes)
        arguments = {"num_processes": 1, "max_shard_bytes": num_bytes, "say": lambda text: None}
        build_stores(source, recipe, directory, **arguments, finish=module.note)
        return content(directory)

    return make


def test_the_planted_documents_are_what_they_are_said_to_be():
    words = dict(DOCUMENTS)
    assert similarity(words["original 1"], words["near 1"]) > 0.95
    assert similarity(words["original 7"], words["near 7"]) > 0.92
    assert (
        0.2 < similarity(words["original 3"], words["half of 3"]) < similarity(words["original 2"], words["half of 2"])
    )
    assert similarity(words["original 2"], words["half of 2"]) < 0.35


def test_stores_are_those_of_the_corpus_without_what_nearly_repeats_an_earlier_document(
    corpus_of, prepare, stores_of, content
):
    found = content(prepare(corpus_of(DOCUMENTS), 3))
    counts = taken_from(found)
    kept = [(name, words) for name, words in DOCUMENTS if name not in REPEATED]
    assert found == without_counts(stores_of(corpus_of(kept, "keep")))
    sizes = {name: len(text_of(words)) for name, words in DOCUMENTS}
    assert counts["documents"] == len(REPEATED)
    assert counts["bytes"] == sum(sizes[name] for name in REPEATED)
    assert (counts["of_documents"], counts["of_bytes"]) == (len(DOCUMENTS), sum(sizes.values()))


@pytest.mark.parametrize("order", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_stores_do_not_depend_on_the_number_of_tasks_and_the_first_of_a_cluster_stays(
    corpus_of, prepare, stores_of, content, order
):
    """A cluster of seven, joined piece by piece: datatrove by itself would keep one that is not the first."""
    cluster = [(f"of 5, {number}", changed(ORIGINALS[5], number)) for number in range(1, 7)]
    documents = [*DOCUMENTS, *cluster]
    random.Random(order).shuffle(documents)
    source = corpus_of(documents)
    found = [content(prepare(source, num_tasks)) for num_tasks in (1, 3)]
    assert found[0] == found[1]
    counts = taken_from(found[0])
    seen, kept = set(), []
    families = [{"original 0", "copy of 0"}, {"original 1", "near 1", "nearer 1"}, {"original 7", "near 7"}]
    families.append({"original 5", *(name for name, _ in cluster)})
    family_of = {name: number for number, family in enumerate(families) for name in family}
    for name, words in documents:
        if family_of.get(name, name) not in seen:
            kept.append((name, words))
        seen.add(family_of.get(name, name))
    assert found[0] == without_counts(stores_of(corpus_of(kept, "keep")))
    assert counts["documents"] == len(documents) - len(kept) == 10


@pytest.mark.slow
def test_without_removal_stores_and_their_files_are_what_they_were(corpus_of, prepare, stores_of, content):
    source = corpus_of(DOCUMENTS, "keep")
    directory = prepare(source, 3)
    assert content(directory) == stores_of(source)
    assert NearDuplicates.read(directory) is None


@pytest.mark.slow
def test_more_buckets_of_fewer_hashes_take_documents_that_share_less(corpus_of, prepare):
    """Of Jaccard similarity .27 with p = .998."""
    source = corpus_of(DOCUMENTS, near_duplicate_buckets=20, near_duplicate_hashes=1)
    assert NearDuplicates.read(prepare(source, 2)).documents == len(REPEATED) + 2


def test_a_long_document_is_signed_as_datatrove_signs_it(tmp_path, monkeypatch):
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.hashing import HashConfig

    from nsp_ablation.text.preparation import near_duplicates

    monkeypatch.setattr(near_duplicates, "_BLOCK_SHINGLES", 7)
    config, words = MinhashConfig(hash_config=HashConfig(hash_fc="sha1")), near_duplicates.SpacedWords()
    ours = near_duplicates.SignDocuments(str(tmp_path), config, language=words)
    theirs = MinhashDedupSignature(str(tmp_path), config, language=words)
    shingles = ours.get_shingles(text_of(original(1)))
    assert len(shingles) == NUM_WORDS - 4
    assert ours.get_signature(shingles) == theirs.get_signature(shingles)


def test_words_are_cut_at_spaces_and_where_a_script_has_none():
    from nsp_ablation.text.preparation.near_duplicates import SpacedWords

    assert SpacedWords().word_tokenize("the fox 狐狸 ran") == ["the", "fox", "狐", "狸", "ran"]


def test_the_first_of_a_cluster_is_the_first_of_the_corpus_whatever_task_read_it(tmp_path):
    import numpy as np

    from nsp_ablation.text.preparation.near_duplicates import KeepFirst

    clusters, taken = tmp_path / "clusters", tmp_path / "taken"
    clusters.mkdir()
    np.array([[3, 0], [4, 1], [9, 0]], "<u4").tofile(clusters / "000000.clusters")
    np.array([[0, 1], [2, 2], [5, 2]], "<u4").tofile(clusters / "000002.clusters")
    KeepFirst(clusters, taken, 3).run(None)
    removed = {path.name: np.fromfile(path, "<u4").tolist() for path in taken.iterdir()}
    assert removed == {"000000.remove": [9], "000001.remove": [], "000002.remove": [0, 5]}


def test_documents_held_out_are_those_of_the_corpus_that_is_left(corpus_of, prepare, recipe):
    """A document stays on the side where its own text puts it, alone or beside near-duplicates of it."""
    source = corpus_of(DOCUMENTS)
    numbers = {}
    for name in ("remove", "keep"):
        directory = prepare(replace(source, options=replace(source.options, near_duplicates=name)), 1)
        metas = [json.loads((directory / part / "meta.json").read_text()) for part in ("train", "heldout")]
        numbers[name] = [meta["num_documents"] for meta in metas]
    assert sum(numbers["keep"]) - sum(numbers["remove"]) >= 1
    assert all(left <= whole for left, whole in zip(numbers["remove"], numbers["keep"], strict=True))
