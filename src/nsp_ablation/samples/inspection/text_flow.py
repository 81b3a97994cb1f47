"""Tokens in lines of monospaced text: each sentence begins a line, special tokens and MLM targets stand as chips."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from rich.cells import cell_len

from nsp_ablation.samples.inspection.input_tokens import InputToken, Vocabulary
from nsp_ablation.text.store.token_store import TokenStore

ROLES = {"cls": "[CLS]", "sep": "[SEP]", "extra_sep": "[SEP]", "mask": "[MASK]"}
CUT = "…"
CHIP_MARGIN = 1  # cells: half of one on each side


@dataclass(frozen=True)
class Chunk:
    """Text of one kind (see `InputToken`, or `cut` where a sentence was cut) at a column of a line, in cells.

    A chip is a cell wider than its text. `target` is what an MLM target was before masking.
    """

    kind: str
    text: str
    column: int
    num_cells: int
    target: str | None


@dataclass(frozen=True)
class Line:
    """One line: its chunks; the document and sentence (in the store) it shows, None for special tokens alone.

    `begins` marks a sentence's first line; `token_type` is that of the line's tokens.
    """

    chunks: list[Chunk]
    document: int | None
    sentence: int | None
    begins: bool
    token_type: int


def flow(tokens: Sequence[InputToken], store: TokenStore, vocabulary: Vocabulary, num_columns: int) -> list[Line]:
    """Lay an input out in lines of `num_columns` cells; a word longer than a line is not broken."""
    lines: list[Line] = []
    for (_, sentence), group in groupby(tokens, key=lambda token: (token.piece, _sentence_of(token, store))):
        run = list(group)
        if sentence is None:
            _append_specials(lines, run, num_columns)
        else:
            document = int(np.searchsorted(store.document_offsets, sentence, side="right")) - 1
            rows = _wrap(_sentence_chunks(run, sentence, store, vocabulary), num_columns)
            token_type = run[0].token_type
            lines += [Line(row, document, sentence, number == 0, token_type) for number, row in enumerate(rows)]
    return lines


def _sentence_of(token: InputToken, store: TokenStore) -> int | None:
    if token.place is None:
        return None
    return int(np.searchsorted(store.sentence_offsets, token.place, side="right")) - 1


def _append_specials(lines: list[Line], run: list[InputToken], num_columns: int) -> None:
    """Add separators to the last line where they fit; they stand alone otherwise, as [CLS] does."""
    for token in run:
        text = ROLES[token.kind]
        num_cells = len(text) + CHIP_MARGIN
        last = lines[-1] if lines else None
        used = last.chunks[-1].column + last.chunks[-1].num_cells + 1 if last else 0
        if last is not None and used + num_cells <= num_columns:
            last.chunks.append(Chunk(token.kind, text, used, num_cells, None))
        else:
            lines.append(Line([Chunk(token.kind, text, 0, num_cells, None)], None, None, False, token.token_type))


def _sentence_chunks(
    run: list[InputToken], sentence: int, store: TokenStore, vocabulary: Vocabulary
) -> list[tuple[Chunk, bool]]:
    """Return the chunks of one sentence's tokens, at column 0 each, and whether a space stands before each."""
    start, end = store.sentence_offsets[sentence : sentence + 2].tolist()
    first, last = run[0].place, run[-1].place
    found = [(Chunk("cut", CUT, 0, 1, None), True)] if first != start else []
    for place, token in enumerate(run):
        shown = token.masked_id if token.kind == "random" else token.token_id
        text = ROLES.get(token.kind) or vocabulary.text(shown)
        is_chip = token.kind != "text"
        target = vocabulary.text(token.token_id) if is_chip else None
        num_cells = cell_len(text) + (CHIP_MARGIN if is_chip else 0)
        has_space = place == 0 or vocabulary.starts_word(token.token_id)
        found.append((Chunk(token.kind, text, 0, num_cells, target), has_space))
    if last is None or last + 1 != end:
        found.append((Chunk("cut", CUT, 0, 1, None), True))
    return found


def _wrap(chunks: list[tuple[Chunk, bool]], num_columns: int) -> list[list[Chunk]]:
    """Break lines before a word that does not fit, and inside one that is longer than a line."""
    rows: list[list[Chunk]] = [[]]
    column = 0
    for word in _words(chunks):
        at = column + bool(rows[-1])
        if rows[-1] and at + sum(chunk.num_cells for chunk in word) > num_columns:
            rows.append([])
            at = 0
        for chunk in word:
            if rows[-1] and at + chunk.num_cells > num_columns:
                rows.append([])
                at = 0
            _append(rows[-1], chunk, at)
            at += chunk.num_cells
        column = at
    return rows


def _words(chunks: list[tuple[Chunk, bool]]) -> list[list[Chunk]]:
    words: list[list[Chunk]] = []
    for chunk, has_space in chunks:
        if has_space or not words:
            words.append([])
        words[-1].append(chunk)
    return words


def _append(row: list[Chunk], chunk: Chunk, at: int) -> None:
    """Put a chunk at a column; text that follows text becomes one chunk with it."""
    if row and row[-1].kind == chunk.kind == "text":
        former = row.pop()
        text = former.text + " " * (at - former.column - former.num_cells) + chunk.text
        row.append(Chunk("text", text, former.column, at + chunk.num_cells - former.column, None))
    else:
        row.append(Chunk(chunk.kind, chunk.text, at, chunk.num_cells, chunk.target))
