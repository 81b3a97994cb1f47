"""Stores are the same bytes whatever the shards, the processes and the order in which shards were made."""

import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.document import is_heldout, is_read, is_tuning, text_digest
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.store.build_stores import build_shards, build_stores, shard_bytes, shard_calls
from nsp_ablation.text.store.shard import ShardRecipe, build_shard
from nsp_ablation.text.store.token_store import TokenStore

WORDS = ["the", "quick", "fox", "jumps", "over", "a", "lazy", "dog", "resting", "near", "Zürich"]


def jsonl(path, texts) -> Source:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return Source(CorpusOptions("jsonl", "jsonl", text_key="text"), (whole(path),))


def stores(corpus, directory, num_processes=1, max_shard_bytes=1 << 30):
    return build_stores(
        *corpus, directory, num_processes=num_processes, max_shard_bytes=max_shard_bytes, say=lambda text: None
    )


def content(directory):
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def identities(directory):
    """What changes if a file is made again: its inode and time."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def texts_of(num_documents):
    return [" ".join(WORDS[: 1 + number % 11]) + f". Number {number}." for number in range(num_documents)]


@pytest.fixture
def recipe(bbpe):
    return ShardRecipe(
        bbpe, "en", split_quotations=True, one_sentence_per_line=False, heldout_fraction=0.25, train_fraction=1.0
    )


line = st.sampled_from(["", " ", "The fox. It jumped.", "\x01", "Zürich", "resting " * 40, "a"])


@settings(max_examples=15, deadline=None)
@given(
    lines=st.lists(line, max_size=25),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.sampled_from(["", "\n", "\n\n"]),
    cuts=st.lists(st.integers(2, 6), min_size=1, max_size=2, unique=True),
)
def test_stores_do_not_depend_on_where_shards_end(bbpe, tmp_path_factory, lines, end, last, cuts):
    place = tmp_path_factory.mktemp("cut")
    path = place / "a.txt"
    path.write_bytes((end.join([*lines, "The end."]) + last).encode())
    source = Source(CorpusOptions("text", "text", document_border="blank_line"), (whole(path),))
    corpus = (
        source,
        ShardRecipe(
            bbpe, "en", split_quotations=True, one_sentence_per_line=True, heldout_fraction=0.0, train_fraction=1.0
        ),
    )
    expected = content(stores(corpus, place / "whole"))
    arrays = ("ids.npy", "sentence_offsets.npy", "document_offsets.npy")
    assert set(expected) == {"checksums.json", *(f"train/{name}" for name in (*arrays, "meta.json"))}
    for cut in cuts:
        max_shard_bytes = -(-source.num_bytes // cut)
        assert len(shard_calls(*corpus, place / "x", max_shard_bytes)) > 1
        assert content(stores(corpus, place / f"cut {cut}", 1, max_shard_bytes)) == expected


def test_one_pass_divides_the_documents_into_training_and_heldout(recipe, tmp_path):
    texts = texts_of(60)
    directory = stores((jsonl(tmp_path / "a.jsonl", texts), recipe), tmp_path / "stores", max_shard_bytes=500)
    digests = {text: text_digest(text) for text in texts}
    held_out = [text for text in texts if is_heldout(digests[text], 0.25)]
    parts = {
        "train": [text for text in texts if text not in held_out],
        "heldout": sorted(held_out, key=lambda text: is_tuning(digests[text])),  # the reporting half stands first
    }
    for name, chosen in parts.items():
        assert len(chosen) > 5
        alone = (jsonl(tmp_path / f"{name}.jsonl", chosen), replace(recipe, heldout_fraction=0.0))
        expected, found = content(stores(alone, tmp_path / name) / "train"), content(directory / name)
        meta = json.loads(found["meta.json"])
        assert meta.pop("num_reporting_documents", None) == (
            sum(not is_tuning(digests[text]) for text in chosen) if name == "heldout" else None
        )
        assert meta == json.loads(expected.pop("meta.json"))
        assert {file: found[file] for file in expected} == expected


def test_a_share_of_the_training_documents_leaves_the_held_out_ones_whole(recipe, tmp_path):
    source = jsonl(tmp_path / "a.jsonl", texts := texts_of(60))
    whole_stores = stores((source, recipe), tmp_path / "whole")
    part = stores((source, replace(recipe, train_fraction=0.5)), tmp_path / "part")
    chosen = [text for text in texts if not is_heldout(text_digest(text), 0.25) and is_read(text_digest(text), 0.5)]
    assert 5 < len(chosen) < 40
    alone = (jsonl(tmp_path / "chosen.jsonl", chosen), replace(recipe, heldout_fraction=0.0))
    assert content(part / "train") == content(stores(alone, tmp_path / "alone") / "train")
    assert (part / "heldout" / "ids.npy").read_bytes() == (whole_stores / "heldout" / "ids.npy").read_bytes()


def test_no_store_is_made_of_no_heldout_documents(recipe, tmp_path):
    source = jsonl(tmp_path / "a.jsonl", texts_of(3))
    directory = stores((source, replace(recipe, heldout_fraction=0.0)), tmp_path / "stores")
    assert [path.name for path in directory.iterdir() if path.is_dir()] == ["train"]


@pytest.mark.parametrize("num_processes", [pytest.param(2, id="2"), pytest.param(3, id="3", marks=pytest.mark.slow)])
def test_stores_do_not_depend_on_the_number_of_processes(recipe, tmp_path, num_processes):
    corpus = (jsonl(tmp_path / "a.jsonl", texts_of(200)), recipe)
    expected = content(stores(corpus, tmp_path / "one", 1, 2000))
    assert content(stores(corpus, tmp_path / "many", num_processes, 2000)) == expected
    assert not list(tmp_path.glob("*.shards"))


def test_shards_made_elsewhere_in_any_order_are_merged_in_the_corpus_order(recipe, tmp_path):
    corpus = (jsonl(tmp_path / "a.jsonl", texts_of(50)), recipe)
    expected = content(stores(corpus, tmp_path / "here"))
    calls = pickle.loads(pickle.dumps(shard_calls(*corpus, tmp_path / "stores", 700)))
    assert len(calls) > 3
    for call in reversed(calls):
        build_shard(*call)
    before = identities(tmp_path / "stores.shards")
    build_shards(calls, 2, lambda text: None)
    assert identities(tmp_path / "stores.shards") == before
    assert content(stores(corpus, tmp_path / "stores", max_shard_bytes=700)) == expected


def test_shards_of_another_cut_are_not_taken(recipe, tmp_path):
    source = jsonl(tmp_path / "a.jsonl", texts_of(50))
    names = [
        {shard.name for _, _, shard in shard_calls(source, recipe, tmp_path / "stores", size)}
        for size in (source.num_bytes // 3 + 1, source.num_bytes // 2 + 1, source.num_bytes)
    ]
    assert [len(group) for group in names] == [3, 2, 1]
    assert len(set.union(*names)) == 6


def test_progress_counts_shards_and_tokens(recipe, tmp_path):
    corpus = (jsonl(tmp_path / "a.jsonl", texts_of(50)), recipe)
    said = []
    directory = build_stores(*corpus, tmp_path / "s", num_processes=1, max_shard_bytes=1000, say=said.append)
    num_shards = len(shard_calls(*corpus, tmp_path / "s", 1000))
    tokens = sum(TokenStore.open(directory / name).num_tokens for name in ("train", "heldout"))
    assert said[0].startswith(f"shard {num_shards}/{num_shards}  {tokens / 1e6:.2f}M tokens in 0:00:0")
    assert said[1:] == ["merging the shards"]


@pytest.mark.parametrize(
    ("num_bytes", "expected"), [(0, 4 << 20), (200 << 20, 4 << 20), (1 << 30, 16 << 20), (16 << 30, 32 << 20)]
)
def test_a_shard_is_32_mib_or_a_64th_of_the_corpus(num_bytes, expected):
    assert shard_bytes(num_bytes) == expected
