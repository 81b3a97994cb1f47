"""`format.lengths=doc`: FULL's blocks at the lengths of DOC's inputs."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nsp_ablation.base.randomness import permutation, stream
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.inspection.inspect_terminal import documents_read

CORPORA = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=15)
FULL, DOC = make_format(FormatOptions("full"), "nsp"), make_format(FormatOptions("doc"), "nsp")
AS_DOC = make_format(FormatOptions("full", lengths="doc"), "nsp")


def english(num_documents, sentence_tokens, seed=1):
    """Lengths of sentences in documents whose sizes are far apart."""
    draw = np.random.Generator(np.random.PCG64(seed))
    sizes = np.maximum(draw.lognormal(2.5, 0.9, num_documents), 1).astype(int)
    return [np.clip(draw.lognormal(np.log(sentence_tokens), 0.6, size), 1, 200).astype(int).tolist() for size in sizes]


def nearest_blocks(reference, documents, max_length, separator, wanted):
    """Extend each block while that brings it nearer to its length, in the plainest way; return rows."""
    units = [
        (number, sentence[start : start + max_length - 2])
        for number, document in enumerate(documents)
        for sentence in document
        for start in range(0, len(sentence), max_length - 2)
    ]
    blocks, lacking = [], 0
    while units:
        goal, taken = wanted[len(blocks) % len(wanted)] + lacking, 1
        lengths = {n: len(reference.block_row(units[:n], separator)) for n in range(1, len(units) + 1) if n < 80}
        while taken + 1 in lengths and lengths[taken + 1] <= max_length:
            if abs(lengths[taken + 1] - goal) >= abs(lengths[taken] - goal):
                break
            taken += 1
        lacking = goal - lengths[taken]
        blocks.append(reference.block_row(units[:taken], separator))
        units = units[taken:]
    return blocks


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 40), st.booleans(), st.integers(0, 9))
@example([[1 + i * 7 % 23 for i in range(100)]], 32, False, 1)
@example([[1 + i % 3] for i in range(200)], 32, True, 1)
@example([[200, 3, 200], [150], [1]], 16, False, 1)
def test_blocks_end_at_the_border_nearest_to_the_length_drawn(
    make_store, make_frame, rows, reference, laws, lengths, max_length, separator, seed
):
    store, frame = make_store(lengths), make_frame(max_length, sentence_separator=separator)
    of_doc = DOC.index(store, frame, 1, 0).lengths()
    wanted = of_doc[permutation(seed, stream("full_lengths"), 0, len(of_doc))].tolist()
    index = AS_DOC.index(store, frame, seed, 7)
    assert rows(index) == nearest_blocks(reference, reference.documents_of(store), max_length, separator, wanted)
    laws.check_blocks(store, frame, index)


@pytest.mark.parametrize("separator", [False, True])
@pytest.mark.parametrize(("max_length", "sentence_tokens"), [(40, 8), (128, 8), (128, 25), (512, 25)])
def test_the_mean_length_is_that_of_doc(make_store, make_frame, max_length, sentence_tokens, separator):
    """Without what a block makes good for the one before it, the mean is 1 to 6 % short: no block exceeds T."""
    store = make_store(english(600, sentence_tokens))
    frame = make_frame(max_length, sentence_separator=separator)
    doc, full, as_doc = (built.index(store, frame, 1, 0).lengths() for built in (DOC, FULL, AS_DOC))
    assert as_doc.mean() == pytest.approx(doc.mean(), rel=0.02)
    assert full.mean() > 1.02 * doc.mean()
    assert abs(len(as_doc) / len(doc) - 1) < 0.02


def test_blocks_still_cross_document_borders(make_store, make_frame):
    store, frame = make_store(english(600, 25)), make_frame(128)
    assert (documents_read(store, AS_DOC.index(store, frame, 1, 0)) > 1).mean() > 0.1
    assert documents_read(store, DOC.index(store, frame, 1, 0)).max() == 1


def test_lengths_are_drawn_by_the_seed_and_with_resample_by_the_epoch(make_store, make_frame):
    store, frame = make_store(english(100, 25)), make_frame(128)
    anew = make_format(FormatOptions("full", lengths="doc", resample=True), "nsp")

    def ends(built, seed, epoch):
        return built.index(store, frame, seed, epoch).lengths().tolist()

    assert ends(AS_DOC, 1, 0) == ends(AS_DOC, 1, 5) != ends(AS_DOC, 2, 0)
    assert ends(anew, 1, 0) == ends(anew, 1, 0) != ends(anew, 1, 1)
    names = [AS_DOC.fingerprint(store, frame, *draws) for draws in ((1, 0), (1, 5), (2, 0))]
    assert names[0] == names[1] != names[2]
    assert len({*names, FULL.fingerprint(store, frame, 1, 0), anew.fingerprint(store, frame, 1, 1)}) == 4
