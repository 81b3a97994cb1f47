"""The three arrays of a token store, written by and by."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from nsp_ablation.text.store.array_file import ArrayWriter
from nsp_ablation.text.store.token_store import DOCUMENTS_FILE, IDS_FILE, SENTENCES_FILE

_OFFSETS = np.dtype(np.int64)


class StoreArrays:
    """Grows ids, sentence and document offsets (as in `TokenStore`) in a new `directory`; `stack` closes the files."""

    def __init__(self, directory: Path, id_dtype: np.dtype, stack: ExitStack) -> None:
        directory.mkdir()
        self._ids = stack.enter_context(ArrayWriter(directory / IDS_FILE, id_dtype))
        self._sentences = stack.enter_context(ArrayWriter(directory / SENTENCES_FILE, _OFFSETS))
        self._documents = stack.enter_context(ArrayWriter(directory / DOCUMENTS_FILE, _OFFSETS))
        self._sentences.append(np.zeros(1))
        self._documents.append(np.zeros(1))

    @property
    def num_tokens(self) -> int:
        return self._ids.length

    @property
    def num_sentences(self) -> int:
        return self._sentences.length - 1

    @property
    def num_documents(self) -> int:
        return self._documents.length - 1

    def add_ids(self, ids: np.ndarray) -> None:
        """Append token ids (n,)."""
        self._ids.append(ids)

    def add_sentence_ends(self, ends: np.ndarray) -> None:
        """Append the ends of sentences (n,), in tokens of this store."""
        self._sentences.append(ends)

    def add_document_ends(self, ends: np.ndarray) -> None:
        """Append the ends of documents (n,), in sentences of this store."""
        self._documents.append(ends)

    def counts(self) -> dict[str, int]:
        return {
            "num_documents": self.num_documents,
            "num_sentences": self.num_sentences,
            "num_tokens": self.num_tokens,
        }

    def sha256(self) -> list[str]:
        """Return the digests of the elements of ids, sentence offsets and document offsets."""
        return [array.sha256() for array in (self._ids, self._sentences, self._documents)]
