"""Context gain: true and foreign contexts differ in text alone, and the measures agree with one pass a sentence."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm, read_layout
from nsp_ablation.learning.probes.context_gain import choose_sentences, masked_tokens, measure
from nsp_ablation.learning.tasks.metrics import standard_error
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore

TASK = TaskOptions("context_gain", "context_gain", metric="context_gain")
lengths_of_documents = st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=8), min_size=1, max_size=8)


def offsets_of(documents):
    """sentence_offsets and document_offsets of documents given by the lengths of their sentences."""
    lengths = [length for document in documents for length in document]
    return np.cumsum([0, *lengths]), np.cumsum([0, *map(len, documents)])


def choose(documents, capacity, num_sentences):
    store = TokenStore(np.zeros(0, np.uint16), *offsets_of(documents), fingerprint="test")
    return choose_sentences(store, capacity, replace(TASK, num_sentences=num_sentences))


@given(lengths_of_documents, st.integers(4, 40), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_contexts_are_of_equal_length_and_of_two_documents(documents, capacity, max_sentences):
    sentence_offsets, document_offsets = offsets_of(documents)
    borders = sentence_offsets[document_offsets]
    targets = choose(documents, capacity, max_sentences)
    assert len(targets.start) <= max_sentences
    assert np.all(np.diff(targets.start) > 0)
    for start, end, num_context, foreign_end, document in zip(*vars(targets).values(), strict=True):
        assert sentence_offsets[np.searchsorted(sentence_offsets, start) + 1] == end
        assert start in sentence_offsets
        assert foreign_end in sentence_offsets
        assert 4 <= end - start <= capacity // 2
        assert num_context == min(start - borders[document], capacity - (end - start)) > 0
        other = np.searchsorted(borders, foreign_end, side="right") - 1
        assert borders[document] < start < end <= borders[document + 1]
        assert other != document
        assert foreign_end - num_context >= borders[other]


def test_every_sentence_with_a_context_and_a_donor_is_drawn():
    documents = [[5, 6, 7], [4, 8, 3, 6], [9]]
    targets = choose(documents, 30, None)
    # Not: the first of each document, the one of 3 tokens, and the last of the second, since no other document has as
    # much text before a sentence (15 tokens).
    assert targets.start.tolist() == [5, 11, 22]
    assert targets.num_context.tolist() == [5, 11, 4]
    assert targets.foreign_end.tolist()[1] == 33
    again = choose(documents, 30, 2)
    assert set(again.start) < set(targets.start)


def test_masks_are_fixed_by_the_position_in_the_store():
    for length in range(4, 60):
        positions = masked_tokens(100, 100 + length, 0.15)
        assert len(positions) == max(1, round(0.15 * length))
        assert np.all(np.diff(positions) > 0)
        assert 100 <= positions.min() <= positions.max() < 100 + length
        assert positions.tolist() == masked_tokens(100, 100 + length, 0.15).tolist()
    hits = np.concatenate([masked_tokens(20 * n, 20 * n + 20, 0.15) % 20 for n in range(20_000)])
    assert np.bincount(hits, minlength=20).min() > 0.95 * len(hits) / 20


@pytest.mark.parametrize("kind", ["bert_directory", "roberta_directory"])
def test_measures_agree_with_one_pass_a_sentence(request, kind, inputs_of):
    directory = request.getfixturevalue(kind)
    model, layout = load_masked_lm(directory).eval(), read_layout(directory, 24, "as_pretrained")
    documents = [[5, 6, 7, 4], [4, 8, 5, 6], [9, 7, 7], [6, 6, 6, 6, 6]]
    sentence_offsets, document_offsets = offsets_of(documents)
    draw = np.random.Generator(np.random.Philox(1))
    ids = draw.integers(5, model.config.vocab_size, int(sentence_offsets[-1])).astype(np.uint16)
    inputs = inputs_of(directory, 24, (ids, sentence_offsets, document_offsets))
    outcome = measure(model, inputs, replace(TASK, short_share=14 / 24))
    targets = choose(documents, 22, None)
    gains = []
    for start, end, num_context, foreign_end, _ in zip(*vars(targets).values(), strict=True):
        losses = []
        for context_end in (start, foreign_end):
            context, sentence = ids[context_end - num_context : context_end], ids[start:end].astype(np.int64)
            masked = masked_tokens(start, end, 0.15) - start
            expected = torch.from_numpy(sentence[masked])
            sentence[masked] = layout.mask
            row = torch.tensor([layout.cls, *context.tolist(), *sentence.tolist(), layout.sep])
            with torch.no_grad():
                logits = model(input_ids=row[None]).logits[0][1 + num_context + masked]
            losses.append(float(F.cross_entropy(logits, expected)))
        assert outcome.predictions[str(start)] == pytest.approx(losses, abs=1e-5)
        gains.append(losses[1] - losses[0])
    assert len(gains) > 5
    np.testing.assert_allclose(outcome.scores, gains, atol=1e-5)
    assert outcome.metrics["context_gain"] == pytest.approx(np.mean(gains), abs=1e-5)
    error = standard_error(np.array(gains), targets.document)
    assert outcome.metrics["context_gain_standard_error"] == pytest.approx(error, abs=1e-5)
    assert outcome.metrics["num_sentences"] == len(gains)
    assert outcome.clusters == [str(document) for document in targets.document]
    in_range = outcome.items["context_gain_in_range"]
    assert 0 < outcome.metrics["num_sentences_in_range"] == (~np.isnan(in_range)).sum() < len(gains)
    assert outcome.metrics["context_gain_in_range"] == pytest.approx(np.nanmean(in_range))


def test_shorter_inputs_are_measured_where_a_share_of_the_length_is_asked_for(bert_directory, inputs_of):
    offsets = offsets_of([[5, 6, 7, 4], [4, 8, 5, 6]])
    inputs = inputs_of(bert_directory, 24, (np.full(int(offsets[0][-1]), 6), *offsets))
    model = load_masked_lm(bert_directory).eval()
    assert "num_sentences_in_range" in measure(model, inputs, replace(TASK, short_share=0.6)).metrics
    assert "num_sentences_in_range" not in measure(model, inputs, replace(TASK, short_share=0.0)).metrics
    shares = [replace(TASK, short_share=share) for share in (0.0, 0.25, 0.5, 1.0)]
    assert [inputs.in_range_length(task) for task in shares] == [None, 8, 12, 24]
    planned = [replace(TASK, short_share=0.25, in_range_tokens=tokens) for tokens in (10, 24, 25)]
    assert [inputs.in_range_length(task) for task in planned] == [10, 24, 24]


def test_in_range_the_same_sentences_have_the_nearest_part_of_their_contexts():
    targets = choose([[5, 6, 7, 4], [4, 8, 5, 6], [9, 7, 7]], 30, None)
    near, fits = targets.shortened(14)
    assert fits.tolist() == [length <= 7 for length in targets.end - targets.start]
    assert 0 < fits.sum() < len(fits)
    assert near.start.tolist() == targets.start[fits].tolist()
    assert near.foreign_end.tolist() == targets.foreign_end[fits].tolist()
    expected = [min(n, 14 - length) for n, length in zip(targets.num_context, targets.end - targets.start, strict=True)]
    assert near.num_context.tolist() == np.array(expected)[fits].tolist()
    assert min(near.num_context) > 0


def test_a_corpus_without_contexts_and_foreign_ids_are_errors(bert_directory, inputs_of):
    model, offsets = load_masked_lm(bert_directory).eval(), (np.array([0, 5, 10]), np.array([0, 1, 2]))
    with pytest.raises(ValueError, match=r"context_gain: no held-out sentence .* raise corpus\.heldout_fraction"):
        measure(model, inputs_of(bert_directory, 32, (np.full(10, 6), *offsets)), TASK)
    with pytest.raises(ValueError, match="another vocabulary than the held-out documents' tokenizer"):
        measure(model, inputs_of(bert_directory, 32, (np.full(10, 999), *offsets)), TASK)
