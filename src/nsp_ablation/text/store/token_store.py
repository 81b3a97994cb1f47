"""The token store: a corpus as one long array of token ids with the borders of its sentences and documents.

It holds no special tokens, no padding and no truncation, so every input format reads the same store.
"""

from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path

import numpy as np

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.fingerprint import array_sha256, fingerprint

IDS_FILE, SENTENCES_FILE, DOCUMENTS_FILE = "ids.npy", "sentence_offsets.npy", "document_offsets.npy"
META_FILE = "meta.json"


def id_dtype(vocab_size: int) -> np.dtype:
    """Return the smallest of uint16 and uint32 that holds every id of a vocabulary."""
    return np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)


@dataclass(frozen=True, eq=False)
class TokenStore:
    """A tokenized corpus of T tokens, S sentences, D documents; no sentence and no document is empty.

    ids (T,) uint16 or uint32; sentence_offsets (S+1,) int64 in tokens; document_offsets (D+1,) int64 in sentences:
    sentence s is `ids[sentence_offsets[s]:sentence_offsets[s + 1]]`. Stores of equal `fingerprint` hold equal arrays,
    made by the same tokenizer from the same text.
    """

    ids: np.ndarray
    sentence_offsets: np.ndarray
    document_offsets: np.ndarray
    fingerprint: str

    @property
    def num_tokens(self) -> int:
        return len(self.ids)

    @property
    def num_sentences(self) -> int:
        return len(self.sentence_offsets) - 1

    @property
    def num_documents(self) -> int:
        return len(self.document_offsets) - 1

    @classmethod
    def open(cls, directory: Path) -> "TokenStore":
        """Open a built store memory-mapped. Raises InputError where the directory is no store or is damaged."""
        if not (directory / META_FILE).is_file():
            raise InputError(f"{directory} holds no token store ({META_FILE} is missing); run stage=prepare")
        meta = read_json(directory / META_FILE)
        ids, sentence_offsets, document_offsets = (
            _open_array(directory / name) for name in (IDS_FILE, SENTENCES_FILE, DOCUMENTS_FILE)
        )
        found = (len(ids), len(sentence_offsets) - 1, len(document_offsets) - 1)
        expected = (meta["num_tokens"], meta["num_sentences"], meta["num_documents"])
        ends = (int(sentence_offsets[-1]), int(document_offsets[-1]))
        if found != expected or ends != expected[:2]:
            raise InputError(f"token store {directory} is damaged ({found=}, {expected=}); delete it and run again")
        return cls(ids, sentence_offsets, document_offsets, meta["fingerprint"])

    def part(self, first: int, end: int) -> "TokenStore":
        """Return the documents [first, end) as a store, on the same ids; only offsets are copied, 8 bytes a sentence,
        where it does not begin with this one."""
        if (first, end) == (0, self.num_documents):
            return self
        start, stop = int(self.document_offsets[first]), int(self.document_offsets[end])
        sentences, documents = self.sentence_offsets[start : stop + 1], self.document_offsets[first : end + 1]
        ids = self.ids[sentences[0] : sentences[-1]]
        if first:
            sentences, documents = sentences - sentences[0], documents - start
        return TokenStore(ids, sentences, documents, fingerprint([self.fingerprint, first, end]))

    @classmethod
    def from_documents(cls, documents: list[list[list[int]]], vocab_size: int) -> "TokenStore":
        """Make a store in memory from documents of sentences of token ids, none of them empty."""
        sentences = list(chain.from_iterable(documents))
        flat = list(chain.from_iterable(sentences))
        assert all(documents), "a document is empty"
        assert all(sentences), "a sentence is empty"
        assert all(0 <= token < vocab_size for token in flat), f"a token is not below {vocab_size=}"
        ids = np.array(flat, dtype=id_dtype(vocab_size))
        sentence_offsets = np.array([0, *accumulate(map(len, sentences))], dtype=np.int64)
        document_offsets = np.array([0, *accumulate(map(len, documents))], dtype=np.int64)
        digests = [array_sha256(array) for array in (ids, sentence_offsets, document_offsets)]
        return cls(ids, sentence_offsets, document_offsets, fingerprint([*digests, vocab_size]))


def _open_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamageError(f"{path} is damaged or missing ({error}); delete its directory and run again") from error
