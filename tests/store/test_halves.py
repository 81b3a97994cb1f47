"""The held-out store: the half for results first, then the half that settings are chosen on; whole works in either."""

import json

import numpy as np
import pytest

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.document import is_heldout, is_tuning, text_digest
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.store.build_stores import build_stores
from nsp_ablation.text.store.shard import ShardRecipe, encode_texts
from nsp_ablation.text.store.store_counts import open_heldout
from nsp_ablation.text.store.token_store import TokenStore

FRACTION = 0.4


@pytest.fixture
def recipe(bbpe):
    return ShardRecipe(bbpe, "en", True, False, heldout_fraction=FRACTION, train_fraction=1.0)


def stores(rows, recipe, path, **options):
    path.mkdir()
    (path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = Source(CorpusOptions("jsonl", "jsonl", text_key="text", **options), (whole(path / "a.jsonl"),))
    return build_stores(source, recipe, path / "stores", num_processes=1, max_shard_bytes=400, say=lambda text: None)


def documents(store):
    borders = store.sentence_offsets[store.document_offsets]
    return [store.ids[start:end].tolist() for start, end in zip(borders, borders[1:], strict=False)]


def test_the_parts_are_the_documents_of_each_half_in_the_corpus_order(recipe, tmp_path):
    texts = [f"The fox jumps over {number} dogs. It rests." for number in range(60)]
    directory = stores([{"text": text} for text in texts], recipe, tmp_path / "a") / "heldout"
    digests = [text_digest(text) for text in texts]
    halves = {
        part: [text for text, digest in zip(texts, digests, strict=True)
               if is_heldout(digest, FRACTION) and is_tuning(digest) == (part == "tuning")]
        for part in ("reporting", "tuning")
    }  # fmt: skip
    assert min(map(len, halves.values())) > 4
    halves["all"] = halves["reporting"] + halves["tuning"]
    for part, chosen in halves.items():
        store = open_heldout(directory, part)
        assert documents(store) == [ids.tolist() for ids in encode_texts(chosen, recipe)]
        assert np.diff(store.document_offsets).tolist() == [2] * len(chosen)
    assert len({open_heldout(directory, part).fingerprint for part in halves}) == 3
    assert open_heldout(directory, "all").fingerprint == TokenStore.open(directory).fingerprint


def test_whole_works_are_held_out_and_stand_in_one_half(recipe, tmp_path):
    rows = [{"text": f"Chapter {part} of {work}.", "work": f"work {work}"} for work in range(30) for part in range(3)]
    directory = stores(rows, recipe, tmp_path / "a", work_key="work")
    expected = {part: [] for part in ("train", "reporting", "tuning")}
    for row in rows:
        digest = text_digest(row["work"])
        part = "tuning" if is_tuning(digest) else "reporting"
        expected[part if is_heldout(digest, FRACTION) else "train"].append(row["text"])
    assert min(map(len, expected.values())) > 3
    found = {"train": TokenStore.open(directory / "train")}
    found |= {part: open_heldout(directory / "heldout", part) for part in ("reporting", "tuning")}
    for part, texts in expected.items():
        assert documents(found[part]) == [ids.tolist() for ids in encode_texts(texts, recipe)], part


def test_a_part_of_a_store_is_a_store_of_its_documents():
    whole_store = TokenStore.from_documents([[[5, 6], [7]], [[8]], [[9, 10], [11], [12]]], 20)
    for first in range(4):
        for end in range(first, 4):
            part = whole_store.part(first, end)
            assert documents(part) == documents(whole_store)[first:end]
            assert part.sentence_offsets[0] == part.document_offsets[0] == 0
            assert part.num_tokens == part.sentence_offsets[-1]
            assert part.num_sentences == part.document_offsets[-1]
    fingerprints = {whole_store.part(first, end).fingerprint for first in range(3) for end in range(first + 1, 4)}
    assert len(fingerprints) == 6
    assert whole_store.part(0, 3) is whole_store
