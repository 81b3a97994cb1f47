"""A part of a shard as it is written: sentences come in batches, with the ends and the digests of their documents."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding

from nsp_ablation.text.corpus.document import Document, least_heldout_fraction, text_digest
from nsp_ablation.text.store.array_file import ArrayWriter, StoreArrays
from nsp_ablation.text.store.duplicates import FOLDED_FILE, folded_digest

# In TEXTS_FILE stands (32 D,) uint8, the SHA-256 of the text of every document of a part, those without tokens too.
TEXTS_FILE = "text_sha256.npy"
NUM_NEAREST = 4  # documents of which the store tells which `heldout_fraction` would hold them out

# Bounds memory where sentences are as long as books.
_BATCH_CHARACTERS = 1 << 20


@dataclass
class Batch:
    """Sentences of one part in corpus order, and after how many of them documents end; the last may go on.

    `digests` (of the text), `heldout_digests` and `folded_digests` are those of the documents that end here.
    """

    sentences: list[str] = field(default_factory=list)
    document_ends: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    heldout_digests: list[bytes] = field(default_factory=list)
    folded_digests: list[bytes] = field(default_factory=list)
    num_characters: int = 0

    def has_room(self, num_sentences: int, num_characters: int, max_sentences: int) -> bool:
        fits = len(self.sentences) + num_sentences <= max_sentences
        return fits and self.num_characters + num_characters <= _BATCH_CHARACTERS

    def is_full(self, max_sentences: int) -> bool:
        return len(self.sentences) >= max_sentences or self.num_characters >= _BATCH_CHARACTERS

    def add(self, sentences: list[str], num_characters: int) -> None:
        self.sentences += sentences
        self.num_characters += num_characters

    def end_document(self, document: Document, heldout_digest: bytes) -> None:
        self.document_ends.append(len(self.sentences))
        self.digests.append(heldout_digest if document.work is None else text_digest(document.text))
        self.heldout_digests.append(heldout_digest)
        self.folded_digests.append(folded_digest(document.text))


class PartWriter:
    """Appends encoded sentences to the files of one part, which `stack` closes; `unknown` is the id of [UNK]."""

    def __init__(self, directory: Path, dtype: np.dtype, unknown: int | None, stack: ExitStack) -> None:
        self._arrays = StoreArrays(directory, dtype, stack)
        self._texts = stack.enter_context(ArrayWriter(directory / TEXTS_FILE, np.dtype(np.uint8)))
        self._folded = stack.enter_context(ArrayWriter(directory / FOLDED_FILE, np.dtype(np.uint64)))
        self._unknown = unknown
        self._num_unknown = 0
        self._longest_sentence = 0
        self._num_dropped_sentences = 0
        self._num_dropped_documents = 0
        self._last_document_end = 0
        self._least_fractions: list[float] = []

    def append(self, batch: Batch, encodings: list[Encoding]) -> int:
        """Append a batch's sentences and return their number of tokens."""
        lengths = np.fromiter(map(len, encodings), dtype=np.int64, count=len(encodings))
        num_tokens = int(lengths.sum())
        kept = lengths > 0
        arrays = self._arrays
        first_token, first_sentence = arrays.ids.length, arrays.sentences.length - 1
        flat = chain.from_iterable(encoding.ids for encoding in encodings)
        ids = np.fromiter(flat, dtype=np.uint32, count=num_tokens)
        arrays.ids.append(ids)
        self._num_unknown += 0 if self._unknown is None else int((ids == self._unknown).sum())
        self._longest_sentence = max(self._longest_sentence, int(lengths.max(initial=0)))
        arrays.sentences.append(first_token + np.cumsum(lengths[kept]))
        self._num_dropped_sentences += int((~kept).sum())
        ends = first_sentence + np.concatenate([[0], np.cumsum(kept)])[np.array(batch.document_ends, dtype=np.int64)]
        grown = np.diff(ends, prepend=self._last_document_end) > 0
        arrays.documents.append(ends[grown])
        self._num_dropped_documents += int((~grown).sum())
        self._last_document_end = int(ends[-1]) if len(ends) else self._last_document_end
        self._texts.append(np.frombuffer(b"".join(batch.digests), dtype=np.uint8))
        self._folded.append(np.frombuffer(b"".join(batch.folded_digests), dtype=np.uint64)[grown])
        held = (digest for digest, kept in zip(batch.heldout_digests, grown, strict=True) if kept)
        self._least_fractions = sorted([*self._least_fractions, *map(least_heldout_fraction, held)])[:NUM_NEAREST]
        return num_tokens

    def counts(self) -> dict[str, Any]:
        return self._arrays.counts() | {
            "dropped_documents": self._num_dropped_documents,
            "dropped_sentences": self._num_dropped_sentences,
            "num_unknown": self._num_unknown,
            "longest_sentence": self._longest_sentence,
            "least_heldout_fractions": self._least_fractions,
        }
