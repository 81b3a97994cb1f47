"""What holds for every format: purity, the rule of epochs, fingerprints, refusals, draws."""

import numba
import numpy as np
import pytest

from nsp_ablation.base import randomness
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.kernels import draws
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore

NAMES = ("segment_pair", "sentence_pair", "full", "doc")


def built(name, order="nsp", **options):
    return make_format(FormatOptions(name, **options), order)


@pytest.fixture(scope="module")
def store(make_store):
    return make_store([[1 + (i * j) % 11 for j in range(1 + i % 30)] for i in range(1, 60)])


def content(index):
    return [index.spans.tolist(), index.separators.tolist(), index.offsets.tolist(), index.is_random_next is None]


@pytest.mark.parametrize("name", NAMES)
def test_an_index_is_a_pure_function(store, make_frame, name):
    first, second = (built(name).index(store, make_frame(32), 3, 0) for _ in range(2))
    assert content(first) == content(second)
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("name", NAMES)
def test_memory_mapped_stores_give_the_same_index(store, make_frame, tmp_path, name):
    for field in ("ids", "sentence_offsets", "document_offsets"):
        np.save(tmp_path / f"{field}.npy", getattr(store, field))
    arrays = [np.load(tmp_path / f"{f}.npy", mmap_mode="r") for f in ("ids", "sentence_offsets", "document_offsets")]
    mapped = TokenStore(*arrays, store.fingerprint)
    input_format = built(name)
    assert content(input_format.index(mapped, make_frame(32), 3, 0)) == content(
        input_format.index(store, make_frame(32), 3, 0)
    )


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_pairs_depend_on_the_seed_and_with_resample_on_the_epoch(store, make_frame, name):
    frame = make_frame(32)
    fixed, drawn = built(name), built(name, resample=True)
    assert content(fixed.index(store, frame, 1, 0)) != content(fixed.index(store, frame, 2, 0))
    assert content(fixed.index(store, frame, 1, 0)) == content(fixed.index(store, frame, 1, 1))
    assert content(drawn.index(store, frame, 1, 0)) != content(drawn.index(store, frame, 1, 1))
    assert content(drawn.index(store, frame, 1, 0)) == content(fixed.index(store, frame, 1, 9))


def test_a_fingerprint_names_all_that_an_index_depends_on(store, make_store, make_frame):
    changes = [
        ("segment_pair", {}),
        ("segment_pair", {"nsp_balance": "exact"}),
        ("segment_pair", {"lone_sentences": "skip"}),
        ("segment_pair", {"random_next": 0}),
        ("segment_pair", {"order": "sop"}),
        ("sentence_pair", {}),
        ("sentence_pair", {"pairs": "disjoint"}),
        ("sentence_pair", {"random_next": 0}),
        ("sentence_pair", {"lone_sentences": "skip"}),
        ("sentence_pair", {"order": "sop"}),
        ("full", {}),
        ("full", {"resample": True}),
        ("full", {"lengths": "doc"}),
        ("doc", {}),
    ]
    frame, found = make_frame(32), set()
    for name, change in changes:
        input_format = built(name, **change)
        found.add(input_format.fingerprint(store, frame, 1, 0))
        assert input_format.index(store, frame, 1, 0).fingerprint == input_format.fingerprint(store, frame, 1, 0)
    segment = built("segment_pair", resample=True)
    found.add(segment.fingerprint(store, frame, 2, 0))
    found.add(segment.fingerprint(store, frame, 1, 1))
    found.add(segment.fingerprint(store, make_frame(33), 1, 0))
    found.add(segment.fingerprint(store, make_frame(32, pair_separators=2), 1, 0))
    found.add(segment.fingerprint(make_store([[3, 3]] * 3), frame, 1, 0))
    assert len(found) == len(changes) + 5


def test_an_option_of_another_format_is_not_looked_at(store, make_frame):
    change = {"nsp_balance": "exact", "lone_sentences": "skip", "pairs": "disjoint"}
    for name in ("full", "doc"):
        assert content(built(name, "sop", **change).index(store, make_frame(32), 1, 0)) == content(
            built(name).index(store, make_frame(32), 1, 0)
        )
        assert built(name, "sop", **change).fingerprint(store, make_frame(32), 1, 0) == built(name).fingerprint(
            store, make_frame(32), 1, 0
        )


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_store_is_refused(make_frame, name):
    with pytest.raises(ValueError, match="no documents: give another corpus.path"):
        built(name).index(TokenStore.from_documents([], 10), make_frame(32), 1, 0)


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_pairs_are_refused_where_they_cannot_be_made(make_store, make_frame, name):
    one = make_store([[3, 3, 3, 3]])
    input_format = built(name)
    with pytest.raises(ValueError, match=f"format={name} .* has 1 document: .*corpus.document_border"):
        input_format.index(one, make_frame(32), 1, 0)
    with pytest.raises(ValueError, match="sentence_separator=true has no meaning"):
        input_format.index(make_store([[3], [3]]), make_frame(32, sentence_separator=True), 1, 0)
    for change in ({"lone_sentences": "skip"}, {"order": "sop"}):
        with pytest.raises(ValueError, match=f"format={name} finds no pair"):
            built(name, **change).index(make_store([[3], [3]]), make_frame(32), 1, 0)
    assert built(name, "sop").index(one, make_frame(8), 1, 0).num_samples > 0


@numba.njit
def _compiled_draws(key, counter, num_values):
    bits = draws.draw64(draws.sample_key(key, counter), counter)
    return bits, draws.below(bits, num_values)


def test_compiled_draws_are_those_of_the_base():
    keys = np.array([0, 1, 1 << 63, (1 << 64) - 1], np.uint64)
    for number in (1, 2, 3, 1000, (1 << 32) - 1):
        counters = np.arange(len(keys), dtype=np.uint64)
        expected = randomness.draw64(randomness.sample_key(keys, counters), counters)
        for key, counter, bits in zip(keys, counters, expected, strict=True):
            found, value = _compiled_draws(key, counter, np.uint64(number))
            assert found == bits
            assert value == int(bits) * number >> 64


def test_another_document_is_any_but_the_own():
    bits = np.arange(0, 1 << 64, 1 << 60, dtype=np.uint64)
    found = {document: {int(draws.other_document(4, document, b)) for b in bits} for document in range(4)}
    assert found == {0: {1, 2, 3}, 1: {0, 2, 3}, 2: {0, 1, 3}, 3: {0, 1, 2}}
