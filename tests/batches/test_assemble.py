"""Assembly lays out exactly the store's tokens in the frame, and nothing else."""

import dataclasses

import numpy as np
import pytest

from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.assemble import assemble_masked, concatenate
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore

FORMATS = ("segment_pair", "sentence_pair", "full", "doc")
CLS, SEP = 0, 2


def assemble(store, index, frame, samples):
    """Lay out samples under the masks of an epoch."""
    return assemble_masked(store, index, frame, samples, Masks(MaskingOptions("dynamic"), seed=1), 1)


def tiny_store():
    return TokenStore.from_documents([[[10, 11], [12]], [[20, 21, 22]]], vocab_size=200)


def tiny_index(spans, separators, *, is_pair):
    return SampleIndex(
        spans=np.array(spans),
        separators=np.array(separators, np.uint8),
        offsets=np.array([0, len(spans)]),
        is_pair=is_pair,
        is_random_next=np.array([True]) if is_pair else None,
        is_swapped=None,
        trimmed_tokens=0,
        cut_sentences=0,
        fingerprint="tiny",
    )


@pytest.mark.parametrize(("num_separators", "inner"), [(1, [SEP]), (2, [SEP, SEP])])
def test_a_pair_reads_cls_a_sep_b_sep(frame, num_separators, inner):
    index = tiny_index([[3, 6], [1, 3]], [num_separators, 1], is_pair=True)
    flat = assemble(tiny_store(), index, frame, np.array([0]))
    assert flat.input_ids.tolist() == [CLS, 20, 21, 22, *inner, 11, 12, SEP]
    assert flat.token_type_ids.tolist() == [0, 0, 0, 0, *[0] * num_separators, 1, 1, 1]
    assert flat.special.tolist() == [True, False, False, False, *[True] * num_separators, False, False, True]
    assert flat.position_ids.tolist() == list(range(7 + num_separators))
    assert flat.sequence_offsets.tolist() == [0, 7 + num_separators]


def test_a_single_sequence_is_all_of_type_0_with_an_extra_separator_between_documents(frame):
    flat = assemble(tiny_store(), tiny_index([[0, 3], [3, 6]], [1, 1], is_pair=False), frame, np.array([0]))
    assert flat.input_ids.tolist() == [CLS, 10, 11, 12, SEP, 20, 21, 22, SEP]
    assert flat.token_type_ids.tolist() == [0] * 9


def test_a_special_token_of_the_text_is_special_where_it_stands(frame, dynamic):
    store = TokenStore.from_documents([[[10, frame.mask, 11, frame.sep]]], vocab_size=200)
    flat = assemble_masked(
        store,
        tiny_index([[0, 4]], [1], is_pair=False),
        frame,
        np.array([0]),
        Masks(MaskingOptions("dynamic", probability=0.9), seed=1),
        1,
    )
    assert flat.special.tolist() == [True, False, True, False, True, True]
    assert flat.masked_positions.tolist() == [1, 3]


@pytest.mark.parametrize("name", FORMATS)
def test_without_its_frame_a_sample_is_the_stores_tokens(store, frame, index_in, name):
    index = index_in(name)
    flat = assemble(store, index, frame, np.arange(index.num_samples))
    assert np.array_equal(np.diff(flat.sequence_offsets), index.lengths())
    assert np.array_equal(flat.input_ids[flat.sequence_offsets[:-1]], np.full(index.num_samples, CLS))
    assert np.array_equal(flat.input_ids[flat.sequence_offsets[1:] - 1], np.full(index.num_samples, SEP))
    text = np.concatenate([store.ids[start:end] for start, end in index.spans])
    assert np.array_equal(flat.input_ids[~flat.special], text)
    assert len(flat.input_ids) == len(text) + index.num_samples + index.separators.sum()


@pytest.mark.parametrize("name", ["full", "doc"])
def test_an_epoch_of_blocks_is_the_corpus_itself(store, frame, index_in, name):
    index = index_in(name)
    flat = assemble(store, index, frame, np.arange(index.num_samples))
    assert np.array_equal(flat.input_ids[~flat.special], store.ids)


def test_token_types_change_once_in_a_pair_right_after_the_first_separator(store, frame, index_in):
    index = index_in("segment_pair")
    flat = assemble(store, index, frame, np.arange(index.num_samples))
    for sample, (start, end) in enumerate(zip(flat.sequence_offsets[:-1], flat.sequence_offsets[1:], strict=True)):
        types = flat.token_type_ids[start:end]
        length_a = np.diff(index.spans[index.offsets[sample]])[0]
        assert types.tolist() == [0] * (length_a + 2) + [1] * (end - start - length_a - 2)
        assert flat.input_ids[start + length_a + 1] == SEP


def test_labels_are_the_ids_before_masking_and_minus_100_elsewhere(store, frame, index_in, dynamic):
    index = index_in("full")
    flat = assemble_masked(store, index, frame, np.arange(index.num_samples), dynamic, 1)
    predicted = flat.labels != -100
    assert np.array_equal(np.flatnonzero(predicted), flat.masked_positions)
    assert np.array_equal(flat.labels[predicted], flat.input_ids[predicted])
    assert np.array_equal(flat.masked_input_ids[~predicted], flat.input_ids[~predicted])
    assert not flat.special[predicted].any()


def test_arrays_on_disk_give_the_same_as_arrays_in_memory(tmp_path, store, frame, index_in, dynamic, same):
    index = index_in("segment_pair")
    index.save(tmp_path)
    np.save(tmp_path / "ids.npy", store.ids)
    mapped = dataclasses.replace(store, ids=np.load(tmp_path / "ids.npy", mmap_mode="r"))
    samples = np.array([3, 0, 5])
    in_memory = assemble_masked(store, index, frame, samples, dynamic, 2)
    assert same(assemble_masked(mapped, SampleIndex.open(tmp_path), frame, samples, dynamic, 2), in_memory)


def test_laying_flats_end_to_end_equals_assembling_them_together(store, frame, index_in, dynamic, same):
    index = index_in("full")
    parts = [np.array([4, 1]), np.array([], np.int64), np.array([0])]
    flats = [assemble_masked(store, index, frame, part, dynamic, 2) for part in parts]
    assert same(concatenate(flats), assemble_masked(store, index, frame, np.concatenate(parts), dynamic, 2))


@pytest.mark.slow
def test_a_wide_vocabulary_is_assembled_alike(frame, dynamic):
    wide = dataclasses.replace(frame, vocab_size=70_000)
    store = TokenStore.from_documents([[[69_999, 10]], [[11]]], vocab_size=70_000)
    flat = assemble(store, tiny_index([[0, 2]], [1], is_pair=False), wide, np.array([0]))
    assert store.ids.dtype == np.uint32
    assert flat.input_ids.tolist() == [CLS, 69_999, 10, SEP]


def test_an_index_of_another_store_is_our_own_mistake(frame):
    with pytest.raises(AssertionError):
        assemble(tiny_store(), tiny_index([[0, 7]], [1], is_pair=False), frame, np.array([0]))
    with pytest.raises(AssertionError):
        assemble(tiny_store(), tiny_index([[0, 6]], [1], is_pair=False), frame, np.array([1]))


@pytest.mark.parametrize("sentence_separator", [False, True])
def test_pieces_of_full_are_its_documents_each_with_the_separators_that_follow(
    store, frame, index_in, sentence_separator
):
    index = index_in("full", sentence_separator=sentence_separator)
    its_frame = dataclasses.replace(frame, sentence_separator=sentence_separator)
    flat = assemble(store, index, its_frame, np.arange(index.num_samples))
    document_starts = store.sentence_offsets[store.document_offsets]
    documents = np.searchsorted(document_starts, np.arange(store.num_tokens), side="right")
    of_token = np.zeros(len(flat.input_ids), np.int64)
    of_token[~flat.special] = documents
    assert set(flat.sequence_offsets) <= set(flat.piece_offsets)
    assert (np.diff(flat.piece_offsets) > 1).all()
    num_crossing = 0
    for start, end in zip(flat.piece_offsets[:-1], flat.piece_offsets[1:], strict=True):
        assert len(set(of_token[start:end]) - {0}) == 1, "a piece holds two documents"
        assert flat.special[end - 1]
        assert not flat.special[start] or flat.input_ids[start] == CLS
        num_crossing += end not in flat.sequence_offsets
    assert num_crossing > 10


def test_pieces_of_doc_are_its_sequences_and_of_a_pair_its_segments(store, frame, index_in):
    doc = index_in("doc")
    flat = assemble(store, doc, frame, np.arange(doc.num_samples))
    assert np.array_equal(flat.piece_offsets, flat.sequence_offsets)
    pair = index_in("segment_pair")
    flat = assemble(store, pair, frame, np.arange(pair.num_samples))
    assert np.array_equal(flat.piece_offsets[::2], flat.sequence_offsets)
    assert np.array_equal(flat.piece_offsets[1::2], np.flatnonzero(np.diff(flat.token_type_ids) == 1) + 1)
