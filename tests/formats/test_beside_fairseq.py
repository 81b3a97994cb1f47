"""FULL-SENTENCES and DOC-SENTENCES beside fairseq's blocks: each test shows what the original does and what ours does.

With `format.sentence_separator=true` ours is fairseq's stream but for three peculiarities, shown here one by one.
"""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format

CORPORA = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=12), min_size=1, max_size=15)
FULL, DOC = make_format(FormatOptions("full"), "nsp"), make_format(FormatOptions("doc"), "nsp")


def beside(make_store, make_frame, rows, reference, originals, lengths, max_length, mode):
    """Return the rows of fairseq's blocks and of ours with a separator after each sentence."""
    store = make_store(lengths)
    theirs = originals.fairseq_blocks(reference.documents_of(store), max_length, mode)
    input_format = FULL if mode == "complete" else DOC
    return theirs, rows(input_format.index(store, make_frame(max_length, sentence_separator=True), 1, 0))


def test_fairseqs_document_separator_may_open_a_block_ours_never(make_store, make_frame, rows, reference, originals):
    tools = (make_store, make_frame, rows, reference, originals)
    theirs, ours = beside(*tools, [[6], [5]], 8, "complete")
    assert theirs == [
        ["[CLS]", 0, 1, 2, 3, 4, 5, "[SEP]"],
        ["[CLS]", "[SEP]", 6, 7, 8, 9, 10, "[SEP]"],
    ]
    assert ours == [
        ["[CLS]", 0, 1, 2, 3, 4, 5, "[SEP]"],
        ["[CLS]", 6, 7, 8, 9, 10, "[SEP]"],
    ]


def test_fairseqs_document_separator_may_end_a_block_ours_stands_between_documents_alone(
    make_store, make_frame, rows, reference, originals
):
    tools = (make_store, make_frame, rows, reference, originals)
    theirs, ours = beside(*tools, [[3], [5]], 8, "complete")
    assert theirs == [["[CLS]", 0, 1, 2, "[SEP]", "[SEP]"], ["[CLS]", 3, 4, 5, 6, 7, "[SEP]"]]
    assert ours == [["[CLS]", 0, 1, 2, "[SEP]"], ["[CLS]", 3, 4, 5, 6, 7, "[SEP]"]]


def test_fairseq_makes_an_overlong_block_of_an_overlong_sentence_ours_cuts_it(
    make_store, make_frame, rows, reference, originals
):
    tools = (make_store, make_frame, rows, reference, originals)
    for mode in ("complete", "complete_doc"):
        theirs, ours = beside(*tools, [[1, 9, 2]], 8, mode)
        assert theirs == [["[CLS]", 0, "[SEP]"], ["[CLS]", *range(1, 10), "[SEP]"], ["[CLS]", 10, 11, "[SEP]"]]
        assert [len(row) for row in theirs] == [3, 11, 4]
        assert ours == [
            ["[CLS]", 0, "[SEP]"],
            ["[CLS]", 1, 2, 3, 4, 5, 6, "[SEP]"],
            ["[CLS]", 7, 8, 9, "[SEP]", 10, 11, "[SEP]"],  # the rest is packed like a sentence
        ]


def test_fairseq_ends_every_sentence_with_a_separator_ours_only_if_asked(
    make_store, make_frame, rows, reference, originals
):
    lengths = [[2, 1], [1]]
    tools = (make_store, make_frame, rows, reference, originals)
    theirs, asked = beside(*tools, lengths, 12, "complete")
    assert theirs == asked == [["[CLS]", 0, 1, "[SEP]", 2, "[SEP]", "[SEP]", 3, "[SEP]"]]
    assert rows(FULL.index(make_store(lengths), make_frame(12), 1, 0)) == [["[CLS]", 0, 1, 2, "[SEP]", 3, "[SEP]"]]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CORPORA, st.integers(14, 40))
@example([[1 + i * 7 % 11 for i in range(3000)]], 32)
@example([[1 + i % 3] for i in range(3000)], 32)
@example([[1]] * 50, 14)
def test_doc_with_sentence_separators_is_fairseqs_complete_doc(
    make_store, make_frame, rows, reference, originals, lengths, max_length
):
    tools = (make_store, make_frame, rows, reference, originals)
    theirs, ours = beside(*tools, lengths, max_length, "complete_doc")
    assert ours == theirs


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CORPORA, st.integers(14, 40))
@example([[1 + i * 7 % 11 for i in range(3000)]], 32)
@example([[1], [1, 1]] * 1000, 32)
def test_full_with_sentence_separators_is_fairseqs_complete_until_a_separator_opens_a_block(
    make_store, make_frame, rows, reference, originals, lengths, max_length
):
    tools = (make_store, make_frame, rows, reference, originals)
    theirs, ours = beside(*tools, lengths, max_length, "complete")
    same = next((i for i, row in enumerate(theirs) if row[1] == "[SEP]"), len(theirs))
    assert ours[:same] == [row[:-1] if row[-2:] == ["[SEP]", "[SEP]"] else row for row in theirs[:same]]
