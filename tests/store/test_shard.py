import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from nsp_ablation.options.corpus_options import CorpusOptions, TokenizerOptions
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.store.build_stores import merge_shards
from nsp_ablation.text.store.shard import ShardRecipe, build_shard
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.tokenizer import copy_pretrained, load_tokenizer, special_tokens, train_tokenizer

DOCUMENTS = [
    "The fox jumped.\nIt is <s> resting </s>, [SEP] or not.\nÜber alles 東京",
    "A dog. It rests.",
    "Who's there?\nThe fox.\n\nThe dog.\nThe end",
]


def build(documents, tokenizer, directory, one_sentence_per_line=True, **options) -> TokenStore:
    """The store of documents whose lines are sentences, made as one shard."""
    corpus = directory.with_suffix(".jsonl")
    corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
    source = Source(CorpusOptions("jsonl", "jsonl", text_key="text"), (whole(corpus),))
    recipe = ShardRecipe(tokenizer, "en", True, one_sentence_per_line, heldout_fraction=0.0, train_fraction=1.0)
    shard = build_shard(source, recipe, directory.with_suffix(".shard"), **options)
    directory.mkdir()
    merge_shards([shard], directory)
    return TokenStore.open(directory / "train")


def decoded(store: TokenStore, tokenizer_directory) -> list[list[str]]:
    tokenizer = load_tokenizer(tokenizer_directory)
    tokens = [store.ids[start:end].tolist() for start, end in pairwise(store.sentence_offsets)]
    sentences = [tokenizer.decode(ids, skip_special_tokens=False) for ids in tokens]
    return [sentences[start:end] for start, end in pairwise(store.document_offsets)]


def test_a_store_gives_back_every_sentence_of_every_document(bbpe, tmp_path):
    store = build(DOCUMENTS, bbpe, tmp_path / "store")
    expected = [[" " + line for line in document.split("\n") if line] for document in DOCUMENTS]
    assert decoded(store, bbpe) == expected
    assert store.ids.dtype == np.uint16


@pytest.mark.parametrize("kind", ["bbpe", "wordpiece"])
def test_each_sentence_is_encoded_as_by_itself_and_without_special_tokens(kind, request, tmp_path):
    directory = request.getfixturevalue(kind)
    store = build(DOCUMENTS, directory, tmp_path / "store")
    tokenizer = load_tokenizer(directory)
    tokenizer.encode_special_tokens = True
    lines = [line for document in DOCUMENTS for line in document.split("\n") if line]
    expected = [token for line in lines for token in tokenizer.encode(line, add_special_tokens=False).ids]
    assert store.ids.tolist() == expected
    special = special_tokens(directory)
    assert not set(store.ids.tolist()) & (set(special.all_ids) - {special.unk})


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=6), batch_sentences=st.integers(1, 5)
)
def test_a_store_does_not_depend_on_its_batches(bbpe, tmp_path_factory, lengths, batch_sentences):
    words = [[" ".join(["fox"] * length) for length in document] for document in [*lengths, [2]]]
    documents = ["\n".join(document) for document in words]
    place = tmp_path_factory.mktemp("batches")
    small = build(documents, bbpe, place / "small", batch_sentences=batch_sentences)
    build(documents, bbpe, place / "large")
    for name in ("ids.npy", "sentence_offsets.npy", "document_offsets.npy", "meta.json"):
        assert (place / "small/train" / name).read_bytes() == (place / "large/train" / name).read_bytes()
    kept = [[sentence for sentence in document if sentence] for document in words]
    assert np.diff(small.document_offsets).tolist() == [len(document) for document in kept if document]
    assert np.diff(small.sentence_offsets).tolist() == [s.count("fox") for document in kept for s in document]
    assert small.sentence_offsets[-1] == small.num_tokens


def test_what_is_dropped_is_counted(wordpiece, tmp_path):
    store = build(["\x00\nA fox.\n\x01", "\x02", ""], wordpiece, tmp_path / "store")
    assert (store.num_documents, store.num_sentences) == (1, 1)
    meta = json.loads((tmp_path / "store/train/meta.json").read_text())
    assert (meta["dropped_documents"], meta["dropped_sentences"]) == (2, 3)
    assert (meta["num_documents"], meta["num_sentences"], meta["num_tokens"]) == (1, 1, store.num_tokens)


def test_equal_inputs_give_an_equal_fingerprint_and_a_changed_byte_another(bbpe, wordpiece, tmp_path):
    reference = build(DOCUMENTS, bbpe, tmp_path / "reference")
    assert build(list(DOCUMENTS), bbpe, tmp_path / "again").fingerprint == reference.fingerprint
    other_tokenizer = tmp_path / "tokenizer"
    train_tokenizer(TokenizerOptions("bbpe", 265), iter(["fox fox dog dog"]), other_tokenizer)
    renamed = tmp_path / "renamed"
    shutil.copytree(bbpe, renamed)
    # Two tokens that the documents do not use change places: the ids stay, the tokenizer is another.
    vocabulary = json.loads((renamed / "tokenizer.json").read_text())
    vocabulary["model"]["vocab"] |= {
        "Z": load_tokenizer(bbpe).token_to_id("@"),
        "@": load_tokenizer(bbpe).token_to_id("Z"),
    }
    (renamed / "tokenizer.json").write_text(json.dumps(vocabulary))
    np.testing.assert_array_equal(build(DOCUMENTS, renamed, tmp_path / "same ids").ids, reference.ids)
    changed_text = [*DOCUMENTS[:2], DOCUMENTS[2].replace("end", "End")]
    spaced_text = [*DOCUMENTS[:2], DOCUMENTS[2] + "\n"]
    others = [
        build(changed_text, bbpe, tmp_path / "text"),
        build(spaced_text, bbpe, tmp_path / "space"),
        build(DOCUMENTS, wordpiece, tmp_path / "wordpiece"),
        build(DOCUMENTS, other_tokenizer, tmp_path / "other"),
        TokenStore.open(tmp_path / "same ids/train"),
        build(DOCUMENTS, bbpe, tmp_path / "split", one_sentence_per_line=False),
        build([DOCUMENTS[0] + "\n" + DOCUMENTS[1], DOCUMENTS[2]], bbpe, tmp_path / "joined"),
    ]
    assert len({reference.fingerprint, *(store.fingerprint for store in others)}) == 8


def test_a_vocabulary_beyond_16_bits_takes_32(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(65_532))]
    tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    (tmp_path / "source").mkdir()
    tokenizer.save(str(tmp_path / "source" / "tokenizer.json"))
    copy_pretrained(str(tmp_path / "source"), tmp_path / "tokenizer")
    store = build(["w65531 w0"], tmp_path / "tokenizer", tmp_path / "store")
    assert store.ids.dtype == np.uint32
    assert store.ids.tolist() == [65_536, 5]


@pytest.mark.parametrize("documents", [[""], ["\n\n", "\n"]])
def test_a_corpus_without_text_is_refused(documents, bbpe, tmp_path):
    with pytest.raises(ValueError, match=f"corpus.path holds no text to train on .{len(documents)} documents"):
        build(documents, bbpe, tmp_path / "store")


def test_an_error_of_the_reader_passes_through_and_leaves_no_shard(bbpe, tmp_path):
    with pytest.raises(ValueError, match=r"store\.jsonl:2 has 7 at corpus\.text_key=text"):
        build([DOCUMENTS[0], 7], bbpe, tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
