"""The tokens of an inspected row: what each one is, where it stands in the corpus, and how it is shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.samples.batches.assemble import IGNORED_LABEL
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, word_starts

SPECIAL_KINDS = ("cls", "sep", "extra_sep")


@dataclass(frozen=True)
class InputToken:
    """One token of an input.

    `kind` is `cls`, `sep`, `extra_sep` (a single sequence's separator before another document), `text`, or for an MLM
    target what the model reads: `mask`, `random` or `kept`. `token_id` is before masking, `masked_id` after it.
    `piece` counts the row's `spans`; `position` is the token's position in the store, None for an inserted one.
    """

    kind: str
    token_id: int
    masked_id: int
    token_type: int
    piece: int
    position: int | None


def input_tokens(row: dict[str, Any], cls: int, sep: int, mask: int) -> list[InputToken]:
    """Return the tokens of a row of the inspection contract, given the ids of [CLS], [SEP] and [MASK]."""
    coming = ((piece, position) for piece, span in enumerate(row["spans"]) for position in range(span[3], span[4]))
    found: list[InputToken] = []
    columns = ("input_ids", "masked_input_ids", "token_type_ids", "special_tokens_mask", "labels")
    for token_id, masked_id, token_type, special, label in zip(*(row[name] for name in columns), strict=True):
        if special and token_id in (cls, sep):  # inserted: text never holds these two
            kind, piece, position = "sep" if found else "cls", found[-1].piece if found else 0, None
        else:
            kind, (piece, position) = _kind(masked_id, label, mask), next(coming)
            if row["segment_spans"] is None and piece != found[-1].piece:
                found[-1] = InputToken(**vars(found[-1]) | {"kind": "extra_sep"})
        found.append(InputToken(kind, token_id, masked_id, token_type, piece, position))
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
    """A tokenizer's tokens as text, one by one."""

    def __init__(self, directory: Path) -> None:
        self._tokenizer: Tokenizer = load_tokenizer(directory)
        self._starts: np.ndarray = word_starts(directory)

    def name(self, token_id: int) -> str:
        """Return the token as the vocabulary has it, such as `<s>` or `[SEP]`."""
        return str(self._tokenizer.id_to_token(token_id))

    def text(self, token_id: int) -> str:
        """Return a token's text without marks of word borders; one that shows nothing (a byte, a space) as its name."""
        text = self._tokenizer.decode([token_id]).strip().removeprefix("##")
        return text if text and text.isprintable() and "\ufffd" not in text else self.name(token_id)

    def starts_word(self, token_id: int) -> bool:
        """Whether a space stands before the token."""
        return bool(self._starts[token_id])
