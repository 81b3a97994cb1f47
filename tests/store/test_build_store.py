import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from nsp_ablation.corpus.document import Document
from nsp_ablation.store.build import build_store
from nsp_ablation.store.token_store import TokenStore
from nsp_ablation.store.tokenizer import copy_pretrained, load_tokenizer, special_tokens, train_tokenizer

DOCUMENTS = [
    Document("a", "The fox jumped.\nIt is <s> resting </s>, [SEP] or not.\nÜber alles 東京"),
    Document("b", "A dog."),
    Document("c", "Who's there?\nThe fox.\n\nThe dog.\nThe end"),
]


def split_lines(text: str) -> list[str]:
    return text.split("\n")


def build(documents, tokenizer, directory, split=split_lines, **options) -> TokenStore:
    directory.mkdir()
    build_store(iter(documents), split, tokenizer, directory, **options)
    return TokenStore.open(directory)


def decoded(store: TokenStore, tokenizer_directory) -> list[list[str]]:
    tokenizer = load_tokenizer(tokenizer_directory)
    tokens = [store.ids[start:end].tolist() for start, end in pairwise(store.sentence_offsets)]
    sentences = [tokenizer.decode(ids, skip_special_tokens=False) for ids in tokens]
    return [sentences[start:end] for start, end in pairwise(store.document_offsets)]


def test_a_store_gives_back_every_sentence_of_every_document(bbpe, tmp_path):
    store = build(DOCUMENTS, bbpe, tmp_path / "store")
    expected = [[" " + line for line in document.text.split("\n") if line] for document in DOCUMENTS]
    assert decoded(store, bbpe) == expected
    assert store.ids.dtype == np.uint16


@pytest.mark.parametrize("kind", ["bbpe", "wordpiece"])
def test_each_sentence_is_encoded_as_by_itself_and_without_special_tokens(kind, request, tmp_path):
    directory = request.getfixturevalue(kind)
    store = build(DOCUMENTS, directory, tmp_path / "store")
    tokenizer = load_tokenizer(directory)
    tokenizer.encode_special_tokens = True
    lines = [line for document in DOCUMENTS for line in document.text.split("\n") if line]
    expected = [token for line in lines for token in tokenizer.encode(line, add_special_tokens=False).ids]
    assert store.ids.tolist() == expected
    special = special_tokens(directory)
    assert not set(store.ids.tolist()) & (set(special.all_ids) - {special.unk})


@given(
    lengths=st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=6), batch_sentences=st.integers(1, 5)
)
def test_a_store_does_not_depend_on_its_batches(bbpe, tmp_path_factory, lengths, batch_sentences):
    words = [[" ".join(["fox"] * length) for length in document] for document in [*lengths, [2]]]
    documents = [Document(str(number), "\n".join(document)) for number, document in enumerate(words)]
    place = tmp_path_factory.mktemp("batches")
    small = build(documents, bbpe, place / "small", batch_sentences=batch_sentences)
    build(documents, bbpe, place / "large")
    for name in ("ids.npy", "sentence_offsets.npy", "document_offsets.npy", "meta.json"):
        assert (place / "small" / name).read_bytes() == (place / "large" / name).read_bytes()
    kept = [[sentence for sentence in document if sentence] for document in words]
    assert np.diff(small.document_offsets).tolist() == [len(document) for document in kept if document]
    assert np.diff(small.sentence_offsets).tolist() == [s.count("fox") for document in kept for s in document]
    assert small.sentence_offsets[-1] == small.num_tokens


def test_what_is_dropped_is_counted(wordpiece, tmp_path):
    documents = [Document("control", "\x00\nA fox.\n\x01"), Document("nothing", "\x02"), Document("void", "")]
    store = build(documents, wordpiece, tmp_path / "store")
    assert (store.num_documents, store.num_sentences) == (1, 1)
    meta = json.loads((tmp_path / "store" / "meta.json").read_text())
    # The empty text of "void" splits into one empty sentence.
    assert (meta["dropped_documents"], meta["dropped_sentences"]) == (2, 4)
    assert (meta["num_documents"], meta["num_sentences"], meta["num_tokens"]) == (1, 1, store.num_tokens)


def test_equal_inputs_give_an_equal_fingerprint_and_a_changed_byte_another(bbpe, wordpiece, tmp_path):
    reference = build(DOCUMENTS, bbpe, tmp_path / "reference")
    assert build(list(DOCUMENTS), bbpe, tmp_path / "again").fingerprint == reference.fingerprint
    other_tokenizer = tmp_path / "tokenizer"
    train_tokenizer("bbpe", iter(["fox fox dog dog"]), 265, False, other_tokenizer)
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
    changed_text = [*DOCUMENTS[:2], Document("c", DOCUMENTS[2].text.replace("end", "End"))]
    spaced_text = [*DOCUMENTS[:2], Document("c", DOCUMENTS[2].text + "\n")]
    others = [
        build(changed_text, bbpe, tmp_path / "text"),
        build(spaced_text, bbpe, tmp_path / "space"),
        build(DOCUMENTS, wordpiece, tmp_path / "wordpiece"),
        build(DOCUMENTS, other_tokenizer, tmp_path / "other"),
        TokenStore.open(tmp_path / "same ids"),
        build(DOCUMENTS, bbpe, tmp_path / "split", split=lambda text: text.split("\n\n")),
        build([Document("ab", DOCUMENTS[0].text + "\n" + DOCUMENTS[1].text), DOCUMENTS[2]], bbpe, tmp_path / "joined"),
    ]
    assert len({reference.fingerprint, *(store.fingerprint for store in others)}) == 8


def test_a_vocabulary_beyond_16_bits_takes_32(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(65_532))]
    tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    (tmp_path / "source").mkdir()
    tokenizer.save(str(tmp_path / "source" / "tokenizer.json"))
    copy_pretrained(str(tmp_path / "source"), tmp_path / "tokenizer")
    store = build([Document("a", "w65531 w0")], tmp_path / "tokenizer", tmp_path / "store")
    assert store.ids.dtype == np.uint32
    assert store.ids.tolist() == [65_536, 5]


@pytest.mark.parametrize("documents", [[], [Document("a", "")], [Document("a", "\n\n"), Document("b", "\n")]])
def test_a_corpus_without_text_is_refused(documents, bbpe, tmp_path):
    with pytest.raises(ValueError, match="corpus.path holds no text"):
        build(documents, bbpe, tmp_path / "store")


def test_text_that_is_not_unicode_names_its_document(bbpe, tmp_path):
    with pytest.raises(ValueError, match=r"document b of corpus.path is not valid Unicode"):
        build([DOCUMENTS[0], Document("b", "half a pair: \ud800")], bbpe, tmp_path / "store")


def test_an_error_of_the_reader_passes_through(bbpe, tmp_path):
    def documents():
        yield DOCUMENTS[0]
        raise ValueError("corpus.jsonl:2 is not JSON")

    with pytest.raises(ValueError, match="corpus.jsonl:2 is not JSON"):
        build(documents(), bbpe, tmp_path / "store")
