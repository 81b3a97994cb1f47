"""One-dimensional .npy files larger than memory, those of a token store: written by and by, read piece by piece."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import numpy as np

from nsp_ablation.text.store.token_store import DOCUMENTS_FILE, IDS_FILE, SENTENCES_FILE

_PIECE_BYTES = 1 << 22


class ArrayWriter(AbstractContextManager["ArrayWriter"]):
    """Writes the pieces of an array (N,) one after the other; the file is a valid .npy once the context has ended.

    `length` is N so far; `sha256()` is that of the elements' bytes so far.
    """

    def __init__(self, path: Path, dtype: np.dtype) -> None:
        self.length = 0
        self._dtype = dtype
        self._digest = hashlib.sha256()
        self._file = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self._write_header()

    def append(self, piece: np.ndarray) -> None:
        """Append `piece` (n,), cast to the file's dtype."""
        data = np.ascontiguousarray(piece, dtype=self._dtype).data
        self._file.write(data)
        self._digest.update(data)
        self.length += len(piece)

    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __exit__(self, *_: object) -> None:
        # The header of an array that can grow has room for any length, so it can be written again in place.
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self._file, header)


class StoreArrays:
    """The arrays of a `TokenStore`, growing in a new `directory`, offsets behind their 0; `stack` closes the files."""

    def __init__(self, directory: Path, id_dtype: np.dtype, stack: ExitStack) -> None:
        directory.mkdir()
        self.ids = stack.enter_context(ArrayWriter(directory / IDS_FILE, id_dtype))
        self.sentences = stack.enter_context(ArrayWriter(directory / SENTENCES_FILE, np.dtype(np.int64)))
        self.documents = stack.enter_context(ArrayWriter(directory / DOCUMENTS_FILE, np.dtype(np.int64)))
        for offsets in (self.sentences, self.documents):
            offsets.append(np.zeros(1))

    def counts(self) -> dict[str, int]:
        num_documents, num_sentences = self.documents.length - 1, self.sentences.length - 1
        return {"num_documents": num_documents, "num_sentences": num_sentences, "num_tokens": self.ids.length}


def read_pieces(path: Path, first: int = 0) -> Iterator[np.ndarray]:
    """Yield the elements of an array (N,) from `first` on, in order, as arrays of 4 MiB.

    Read, not mapped: the pages of a map stay in memory as long as there is room, and count as the process's own.
    """
    with open(path, "rb") as file:
        assert np.lib.format.read_magic(file) == (1, 0), path
        (length,), _, dtype = np.lib.format.read_array_header_1_0(file)
        file.seek(first * dtype.itemsize, 1)
        num_left = length - first
        while num_left > 0:
            piece = np.fromfile(file, dtype, min(num_left, _PIECE_BYTES // dtype.itemsize))
            assert len(piece), f"{path} is cut"
            num_left -= len(piece)
            yield piece
