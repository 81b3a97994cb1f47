"""What a store counts while it is built: [UNK], the longest sentence, duplicates, and who is held out next."""

import json
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.base.artifact import read_json
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.document import is_heldout, text_digest
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source, cut_source
from nsp_ablation.text.store import duplicates
from nsp_ablation.text.store.build_stores import merge_shards
from nsp_ablation.text.store.duplicates import count_duplicates, folded_digest
from nsp_ablation.text.store.shard import ShardRecipe, build_shard
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, special_tokens

TEXTS = st.text(st.sampled_from("aA ßẞİſΣς\t\n\r\x1c\x85\xa0\u2028\u3000東’"), max_size=40)


def folded(text):
    return blake2b(" ".join(text.casefold().split()).encode(), digest_size=8).digest()


@given(TEXTS, st.sampled_from([1, 700]))
def test_a_digest_is_that_of_the_text_with_single_spaces_and_folded_case(text, repeats):
    assert folded_digest(text * repeats) == folded(text * repeats)


@pytest.mark.parametrize("num_characters", [1, 2, 7, 600])
def test_a_long_text_is_folded_in_blocks_as_at_once(monkeypatch, num_characters):
    monkeypatch.setattr(duplicates, "_BLOCK_CHARACTERS", num_characters)
    for text in (*FOXES, " A\n\n\u3000b  C" * 200, "\tThe Fox  said: Straße, É. " * 90, "\n" * 50, " x", "x "):
        assert folded_digest(text) == folded(text), text


def test_both_ways_of_folding_are_taken():
    english = "The Fox  said: “Naïve café!”\n" * 40
    assert duplicates._fold_plainly(english.encode()) is not None
    for other in ("The FOX, É. " * 80, "The\xa0fox " * 80, "東京 " * 200, "\u3000" + "fox " * 200, "short"):
        assert duplicates._fold_plainly(other.encode()) is None


def store(documents, tokenizer, directory, max_bytes=10**6, heldout_fraction=0.0, train_fraction=1.0):
    """The metas of the stores of documents, cut into shards of at most `max_bytes`."""
    corpus = directory.with_suffix(".jsonl")
    corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
    source = Source(CorpusOptions("jsonl", "jsonl", text_key="text"), (whole(corpus),))
    recipe = ShardRecipe(tokenizer, "en", True, False, heldout_fraction, 1.0)
    parts = enumerate(cut_source(source, max_bytes))
    shards = [build_shard(part, recipe, directory.with_name(f"{directory.name}.{number}")) for number, part in parts]
    directory.mkdir()
    merge_shards(shards, directory)
    return {path.name: read_json(path / "meta.json") for path in directory.iterdir()}


FOXES = ["The fox jumped.", "the  FOX\n\njumped. ", "The foxjumped.", "The fox jumped.", "A dog. Ö. 東京!", "", "  "]


@pytest.mark.parametrize("max_bytes", [40, 10**6])
def test_duplicates_are_counted_over_all_shards_and_empty_documents_are_none(bbpe, tmp_path, max_bytes):
    assert store(FOXES, bbpe, tmp_path / "store", max_bytes)["train"]["num_duplicates"] == 2


def test_a_held_out_document_that_stands_in_training_in_other_case_is_counted(bbpe, tmp_path):
    variants = [f"{' ' * number}The fox jumped over a dog." for number in range(30)]
    metas = store(variants, bbpe, tmp_path / "store", heldout_fraction=0.3, train_fraction=1.0)
    sides = [is_heldout(text_digest(text), 0.3) for text in variants]
    assert 0 < sum(sides) < 30
    assert metas["heldout"]["num_in_both"] == metas["train"]["num_in_both"] == sum(sides)
    assert metas["heldout"]["num_duplicates"] == sum(sides) - 1


def test_digests_are_counted_part_by_part_as_all_at_once(tmp_path, monkeypatch):
    draw = np.random.Generator(np.random.Philox(1))
    files = [tmp_path / f"{number}.npy" for number in range(3)]
    arrays = [draw.integers(0, 200, 90, dtype=np.uint64) for _ in files]
    for path, array in zip(files, arrays, strict=True):
        np.save(path, array)
    at_once = count_duplicates(files[:2], files[2:])
    trained = {*arrays[0].tolist(), *arrays[1].tolist()}
    assert at_once.training == 180 - len(trained)
    assert at_once.held_out == 90 - len({*arrays[2].tolist()})
    assert at_once.in_both == sum(value in trained for value in arrays[2].tolist())
    monkeypatch.setattr(duplicates, "_MAX_DIGESTS", 20)
    assert count_duplicates(files[:2], files[2:]) == at_once


def test_unknown_tokens_and_the_longest_sentence_are_counted(wordpiece, tmp_path):
    documents = ["The fox. A dog Ж Ж met the fox.", "Ж jumped!", "The dog."]
    meta = store(documents, wordpiece, tmp_path / "store", max_bytes=20)["train"]
    tokenizer, unknown = load_tokenizer(wordpiece), special_tokens(wordpiece).unk
    encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in ("A dog Ж Ж met the fox.", *documents)]
    assert meta["num_unknown"] == 3 == sum(ids.count(unknown) for ids in encoded[1:])
    assert meta["longest_sentence"] == len(encoded[0])


def test_a_fraction_above_the_least_one_told_holds_that_document_out(bbpe, tmp_path):
    documents = [f"Document {number} is here." for number in range(40)]
    least = store(documents, bbpe, tmp_path / "store", max_bytes=200)["train"]["least_heldout_fractions"]
    assert least == sorted(least)
    for number, fraction in enumerate(least, start=1):
        assert sum(is_heldout(text_digest(text), fraction + 1e-9) for text in documents) == number
