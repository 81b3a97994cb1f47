import json

import numpy as np
import pytest

from nsp_ablation.text.store.array_file import ArrayWriter, read_pieces
from nsp_ablation.text.store.shard import read_ahead
from nsp_ablation.text.store.token_store import TokenStore, id_dtype


def test_a_store_holds_tokens_and_borders_in_order():
    store = TokenStore.from_documents([[[1, 2], [3]], [[4]]], vocab_size=10)
    assert store.ids.tolist() == [1, 2, 3, 4]
    assert store.sentence_offsets.tolist() == [0, 2, 3, 4]
    assert store.document_offsets.tolist() == [0, 2, 3]
    assert (store.num_tokens, store.num_sentences, store.num_documents) == (4, 3, 2)
    assert store.sentence_offsets.dtype == store.document_offsets.dtype == np.int64


@pytest.mark.parametrize(("vocab_size", "dtype"), [(10, np.uint16), (65536, np.uint16), (65537, np.uint32)])
def test_ids_take_the_smallest_dtype_that_holds_the_vocabulary(vocab_size, dtype):
    store = TokenStore.from_documents([[[vocab_size - 1]]], vocab_size)
    assert store.ids.dtype == id_dtype(vocab_size) == dtype
    assert store.ids.tolist() == [vocab_size - 1]


def test_the_fingerprint_follows_ids_borders_and_vocabulary():
    documents, vocab_size = [[[1, 2], [3]], [[4]]], 10
    reference = TokenStore.from_documents(documents, vocab_size).fingerprint
    others = [
        TokenStore.from_documents([[[1, 2], [3]], [[5]]], vocab_size),
        TokenStore.from_documents([[[1], [2, 3]], [[4]]], vocab_size),
        TokenStore.from_documents([[[1, 2]], [[3], [4]]], vocab_size),
        TokenStore.from_documents(documents, vocab_size + 1),
    ]
    assert len({reference, *(store.fingerprint for store in others)}) == 5
    assert TokenStore.from_documents(documents, vocab_size).fingerprint == reference


@pytest.mark.parametrize("documents", [[[]], [[[1], []]], [[[10]]], [[[-1]]]])
def test_empty_parts_and_ids_outside_the_vocabulary_are_our_own_mistake(documents):
    with pytest.raises(AssertionError):
        TokenStore.from_documents(documents, vocab_size=10)


def _write(directory, num_tokens=4):
    np.save(directory / "ids.npy", np.arange(4, dtype=np.uint16))
    np.save(directory / "sentence_offsets.npy", np.array([0, 2, 4]))
    np.save(directory / "document_offsets.npy", np.array([0, 2]))
    meta = {"num_tokens": num_tokens, "num_sentences": 2, "num_documents": 1, "fingerprint": "f"}
    (directory / "meta.json").write_text(json.dumps(meta))


def test_an_opened_store_is_memory_mapped(tmp_path):
    _write(tmp_path)
    store = TokenStore.open(tmp_path)
    assert isinstance(store.ids, np.memmap)
    assert not store.ids.flags.writeable
    assert store.ids.tolist() == [0, 1, 2, 3]
    assert store.fingerprint == "f"


def test_a_damaged_store_is_refused_with_its_name(tmp_path):
    with pytest.raises(ValueError, match="holds no token store"):
        TokenStore.open(tmp_path)
    _write(tmp_path, num_tokens=5)
    with pytest.raises(ValueError, match="damaged"):
        TokenStore.open(tmp_path)
    _write(tmp_path)
    (tmp_path / "ids.npy").write_bytes((tmp_path / "ids.npy").read_bytes()[:-1])
    with pytest.raises(ValueError, match="ids.npy is damaged"):
        TokenStore.open(tmp_path)
    (tmp_path / "ids.npy").unlink()
    with pytest.raises(ValueError, match="ids.npy is damaged or missing"):
        TokenStore.open(tmp_path)


def test_an_array_written_in_pieces_is_the_array(tmp_path):
    pieces = [np.arange(3), np.arange(0), np.arange(100_000)]
    with ArrayWriter(tmp_path / "pieces.npy", np.dtype(np.uint32)) as writer:
        for piece in pieces:
            writer.append(piece)
    whole = np.concatenate(pieces).astype(np.uint32)
    np.testing.assert_array_equal(np.load(tmp_path / "pieces.npy", mmap_mode="r"), whole)
    np.testing.assert_array_equal(np.concatenate(list(read_pieces(tmp_path / "pieces.npy", first=2))), whole[2:])
    with ArrayWriter(tmp_path / "whole.npy", np.dtype(np.uint32)) as other:
        other.append(whole)
    assert other.sha256() == writer.sha256()
    assert (tmp_path / "whole.npy").read_bytes() == (tmp_path / "pieces.npy").read_bytes()


def test_reading_ahead_changes_neither_items_nor_errors():
    assert list(read_ahead(iter(range(100)))) == list(range(100))
    assert list(read_ahead(iter([]))) == []

    def failing():
        yield 1
        raise ValueError("bad line")

    items = read_ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="bad line"):
        next(items)
