"""The parts of a corpus that tasks read: together the corpus, in its order, whatever the number of tasks."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.text.corpus.piece import Piece
from nsp_ablation.text.corpus.source import cut_source, read_documents
from nsp_ablation.text.preparation.task_sources import even_groups, task_sources
from nsp_ablation.text.store.build_stores import shard_bytes

SIZES = st.lists(st.integers(0, 1000), min_size=1, max_size=40)


def pieces_of(sizes):
    return [Piece(Path(f"{number}.jsonl"), 0, None, size) for number, size in enumerate(sizes)]


@given(SIZES, st.integers(1, 50))
def test_groups_are_all_pieces_in_order_in_at_most_so_many_groups(sizes, num_groups):
    pieces = pieces_of(sizes)
    groups = even_groups(pieces, num_groups)
    assert [piece for group in groups for piece in group] == pieces
    assert all(groups)
    assert len(groups) <= num_groups


@given(SIZES, st.integers(1, 50))
def test_a_group_is_larger_than_its_share_by_less_than_a_piece(sizes, num_groups):
    sizes = [size + 1 for size in sizes]
    for group in even_groups(pieces_of(sizes), num_groups):
        assert sum(piece.num_bytes for piece in group) < sum(sizes) / num_groups + max(sizes)


def test_six_pieces_in_three_groups():
    groups = even_groups(pieces_of([10, 10, 10, 10, 10, 10]), 3)
    assert [[piece.path.stem for piece in group] for group in groups] == [["0", "1"], ["2", "3"], ["4", "5"]]


@pytest.mark.parametrize("num_tasks", [None, 1, 2, 3, 4, 7, 100])
def test_tasks_read_every_document_once_in_the_corpus_order(source, num_tasks):
    sources = task_sources(source, num_tasks)
    read = [document for part in sources for document in read_documents(part)]
    assert len(read) == 80
    assert read == list(read_documents(source))
    assert len(sources) <= (num_tasks or 1)
    assert num_tasks is None or num_tasks > 4 or len(sources) == num_tasks


def test_without_a_number_tasks_are_the_shards_of_one_machine(source):
    assert task_sources(source, None) == cut_source(source, shard_bytes(source.num_bytes))
