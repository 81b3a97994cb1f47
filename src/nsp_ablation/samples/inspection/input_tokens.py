"""The tokens of an inspected row: what each one is, and how the terminal and the figure show it.

The marks of marked text say what its colours say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.text import Text
from tokenizers import Tokenizer

from nsp_ablation.samples.batches.assemble import IGNORED_LABEL
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, word_starts

SPECIAL_KINDS = ("cls", "sep", "extra_sep")
_BROKEN = "\ufffd"  # what bytes that are no whole character decode to
_SHOWN_TOGETHER = ("text", "mask", "kept")
_MAX_PIECES = 12  # tokens: three characters of four bytes, where tokens begin and end inside characters
OBJECTIVES = {"mlm": "MLM", "mlm_nsp": "MLM + NSP", "mlm_sop": "MLM + SOP"}


@dataclass(frozen=True)
class InputToken:
    """One token of an input.

    `kind` is `cls`, `sep`, `extra_sep` (a single sequence's separator before another document), `text`, or for an MLM
    target what the model reads: `mask`, `random` or `kept`. `token_id` is before masking, `masked_id` after it.
    `piece` counts the row's `spans`.
    """

    kind: str
    token_id: int
    masked_id: int
    piece: int


def input_tokens(row: dict[str, Any], cls: int, sep: int, mask: int) -> list[InputToken]:
    """Return the tokens of a row of the inspection contract, given the ids of [CLS], [SEP] and [MASK]."""
    coming = (piece for piece, span in enumerate(row["spans"]) for _ in range(span[3], span[4]))
    found: list[InputToken] = []
    columns = ("input_ids", "masked_input_ids", "special_tokens_mask", "labels")
    for token_id, masked_id, special, label in zip(*(row[name] for name in columns), strict=True):
        if special and token_id in (cls, sep):  # inserted: text never holds these two
            kind, piece = ("sep", found[-1].piece) if found else ("cls", 0)
        else:
            kind, piece = _kind(masked_id, label, mask), next(coming)
            if row["segment_spans"] is None and piece != found[-1].piece:
                found[-1] = replace(found[-1], kind="extra_sep")
        found.append(InputToken(kind, token_id, masked_id, piece))
    assert next(coming, None) is None, "the row is shorter than its spans"
    return found


def _kind(masked_id: int, label: int, mask: int) -> str:
    if label == IGNORED_LABEL:
        return "text"
    if masked_id == mask:
        return "mask"
    return "kept" if masked_id == label else "random"


def pair_label(row: dict[str, Any]) -> str | None:
    """Return what the label of a pair says in words; None for a single sequence."""
    if row["is_random_next"] is not None:
        return "B is random" if row["is_random_next"] else "B follows A"
    if row["is_swapped"] is not None:
        return "A and B are swapped" if row["is_swapped"] else "A and B in order"
    return None


class TokenNames:
    """A tokenizer's tokens as text, one by one; the pieces of one character (bytes) also together."""

    def __init__(self, directory: Path) -> None:
        self._tokenizer: Tokenizer = load_tokenizer(directory)
        self._starts: np.ndarray = word_starts(directory)

    def name(self, token_id: int) -> str:
        """Return the token as the vocabulary has it, such as `<s>` or `[SEP]`."""
        return str(self._tokenizer.id_to_token(token_id))

    def text(self, *token_ids: int) -> str:
        """Return tokens' text without marks of word borders; one that shows nothing (a byte, a space) as its name."""
        text = self._tokenizer.decode(list(token_ids)).strip().removeprefix("##")
        is_shown = text and text.isprintable() and _BROKEN not in text
        return text if is_shown else "".join(map(self.name, token_ids))

    def num_pieces(self, token_ids: Sequence[int]) -> int:
        """Return how many of the first tokens are pieces of the same character or characters; 1 for a whole one."""
        if _BROKEN in self._tokenizer.decode([token_ids[0]]):
            for number in range(2, min(len(token_ids), _MAX_PIECES) + 1):
                if _BROKEN not in self._tokenizer.decode(list(token_ids[:number])):
                    return number
        return 1

    def starts_word(self, token_id: int) -> bool:
        """Whether a space stands before the token."""
        return bool(self._starts[token_id])


def piece_texts(
    row: dict[str, Any],
    tokens: Sequence[InputToken],
    store: TokenStore,
    vocabulary: TokenNames,
    styles: Mapping[str, str],
    text_styles: Sequence[str],
) -> Iterator[tuple[str, Text]]:
    """Give the heading and the text of each piece of an input; `text_styles[i]` is that of piece i's ordinary text."""
    for piece, group in groupby(tokens, key=lambda token: token.piece):
        segment = "" if row["segment_spans"] is None else f"{'AB'[piece]}: "
        heading = f"{segment}{_position(row['spans'][piece], store)}"
        yield heading, marked_text(list(group), vocabulary, styles, text_styles[piece])


def _position(span: list[int], store: TokenStore) -> str:
    """Return where a piece stands in the corpus, and whether it begins or ends inside a sentence."""
    document, first, end, start, stop = span
    is_whole = (start, stop) == tuple(store.sentence_offsets[[first, end]])
    sentences = f"sentence {first}" if end == first + 1 else f"sentences {first}-{end - 1}"
    return f"document {document}, {sentences}{'' if is_whole else ', cut to fit'}"


def marked_text(
    tokens: Sequence[InputToken], vocabulary: TokenNames, styles: Mapping[str, str], text_style: str
) -> Text:
    """Return tokens as text: special tokens by name, MLM targets with the marks that `target_legend` explains."""
    parts: list[tuple[str, str]] = []
    follows_special, last = False, ""
    for token, *others in _characters(tokens, vocabulary):
        is_special = token.kind in SPECIAL_KINDS
        ids = [token.token_id, *(other.token_id for other in others)]
        word = vocabulary.name(token.token_id) if is_special else vocabulary.text(*ids)
        # a WordPiece of one Chinese character begins a word, and no space stands there
        has_space = vocabulary.starts_word(token.token_id) and not (_is_wide(word[0]) or _is_wide(last))
        parts.append((" " if parts and (is_special or follows_special or has_space) else "", text_style))
        follows_special, last = is_special, word[-1]
        read = vocabulary.text(token.masked_id) if token.kind == "random" else ""
        marked = {"mask": f"[{word}]", "random": f"{word}→{read}", "kept": f"={word}"}.get(token.kind, word)
        parts.append((marked, styles.get(token.kind, text_style)))
    runs = groupby((part for part in parts if part[0]), key=lambda part: part[1])
    return Text.assemble(*(("".join(text for text, _ in run), style) for style, run in runs))


def _is_wide(character: str) -> bool:
    """Whether a character takes two columns, as Chinese ones do."""
    return cell_len(character) == 2


def _characters(tokens: Sequence[InputToken], vocabulary: TokenNames) -> Iterator[Sequence[InputToken]]:
    """Yield the tokens one by one, but together the pieces of a character that are all text, all masked or all kept."""
    for kind, group in groupby(tokens, key=lambda token: token.kind):
        run = list(group)
        ids, first = [token.token_id for token in run], 0
        while first < len(run):
            length = vocabulary.num_pieces(ids[first:]) if kind in _SHOWN_TOGETHER else 1
            yield run[first : first + length]
            first += length


def target_legend(styles: Mapping[str, str]) -> Text:
    """Return what the marks of MLM targets mean."""
    return Text.assemble(
        *("targets: ", ("[word]", styles["mask"]), " reads [MASK], ", ("word→other", styles["random"])),
        *(" reads a random token, ", ("=word", styles["kept"]), " is kept"),
    )
