"""Which part of a corpus each task of a preparation reads."""

from dataclasses import replace

from nsp_ablation.text.corpus.piece import Piece
from nsp_ablation.text.corpus.source import Source, cut_source
from nsp_ablation.text.store.build_stores import shard_bytes


def task_sources(source: Source, num_tasks: int | None) -> list[Source]:
    """Cut a source into one per task, which together yield the same documents in the same order.

    None: the shards of `build_stores`. Otherwise there are at most `num_tasks`, of about equal size as far as the files
    can be cut: fewer where there are fewer pieces, one where a source cannot be cut.
    """
    max_bytes = shard_bytes(source.num_bytes)
    if num_tasks is None:
        return cut_source(source, max_bytes)
    sources = cut_source(source, max(1, min(max_bytes, source.num_bytes // num_tasks)))
    if len(sources) == 1:
        return sources
    pieces = [piece for part in sources for piece in part.pieces]
    return [replace(source, pieces=group) for group in even_groups(pieces, num_tasks)]


def even_groups(pieces: list[Piece], num_groups: int) -> list[tuple[Piece, ...]]:
    """Part pieces, in order, into at most `num_groups` groups of neighbours of about equal size, none of them empty.

    A piece is in the group in whose share of all bytes its middle lies; pieces of no size count as a byte.
    """
    sizes = [max(1, piece.num_bytes) for piece in pieces]
    total, start = sum(sizes), 0
    groups: dict[int, list[Piece]] = {}
    for piece, size in zip(pieces, sizes, strict=True):
        groups.setdefault((2 * start + size) * num_groups // (2 * total), []).append(piece)
        start += size
    return [tuple(group) for group in groups.values()]
