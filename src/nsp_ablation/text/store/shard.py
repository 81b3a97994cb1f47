"""A shard: a part of the corpus as tokens. Making one is a pure call, which any scheduler may make anywhere.

Three threads work side by side: one reads and splits, one waits for the encoder (itself parallel, in Rust, where it has
more than one core), one writes. Memory does not grow with the shard, but with its longest document.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tokenizers import Encoding, Tokenizer

from nsp_ablation.base.artifact import build_once, write_json
from nsp_ablation.text.corpus.document import (
    Document,
    blocks_of,
    is_heldout,
    is_read,
    is_tuning,
    least_heldout_fraction,
    text_digest,
)
from nsp_ablation.text.corpus.sentences import split_sentences
from nsp_ablation.text.corpus.source import Source, read_documents
from nsp_ablation.text.store.array_file import ArrayWriter, StoreArrays
from nsp_ablation.text.store.duplicates import FOLDED_FILE, folded_digest
from nsp_ablation.text.store.token_store import META_FILE, id_dtype
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, num_ids, special_tokens, tokenizer_fingerprint

# The training documents of a shard and the two halves of those held out lie in directories of these names, each like a
# token store. In TEXTS_FILE stands (32 D,) uint8, the SHA-256 of every document's text, those without tokens too.
PARTS = TRAIN, REPORTING, TUNING = "train", "reporting", "tuning"
TEXTS_FILE = "text_sha256.npy"
NUM_NEAREST = 4  # documents of which the store tells which `heldout_fraction` would hold them out

T = TypeVar("T")

# Bounds memory where sentences are as long as books.
_BATCH_CHARACTERS = 1 << 20


@dataclass(frozen=True)
class ShardRecipe:
    """How a document becomes tokens, which are held out (`is_heldout`), and which of the others are read (`is_read`).

    `tokenizer` is a directory.
    """

    tokenizer: Path
    language: str
    split_quotations: bool
    one_sentence_per_line: bool
    heldout_fraction: float
    train_fraction: float

    def split(self, text: str) -> list[str]:
        """Return the sentences of a document's text."""
        return split_sentences(text, self.language, self.one_sentence_per_line, self.split_quotations)


@dataclass
class _Batch:
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


def build_shard(
    source: Source,
    recipe: ShardRecipe,
    directory: Path,
    report: Callable[[int], None] | None = None,
    batch_sentences: int = 16384,
) -> Path:
    """Return `directory`, in which the documents of `source` lie as tokens, made if it is not there yet.

    Sentences are encoded without special tokens (text that spells one, such as "[SEP]", is encoded as text); a sentence
    without tokens is dropped, and a document without sentences. `report` is told every number of tokens written;
    `batch_sentences` are encoded together, which changes the speed alone. The first three arguments can be pickled.
    Raises InputError as the readers do.
    """
    return build_once(directory, lambda new: _write(source, recipe, new, report, batch_sentences))


def _write(
    source: Source, recipe: ShardRecipe, directory: Path, report: Callable[[int], None] | None, batch_sentences: int
) -> None:
    name = tokenizer_fingerprint(recipe.tokenizer)
    tokenizer, vocab_size, unknown = _tokenizer(recipe.tokenizer, name)
    with ExitStack() as stack:
        parts = {part: _PartWriter(directory / part, id_dtype(vocab_size), unknown, stack) for part in PARTS}
        batches = read_ahead(_batches(read_documents(source), recipe, batch_sentences))
        for part, batch, encodings in read_ahead(_encoded(batches, tokenizer)):
            num_tokens = parts[part].append(batch, encodings)
            if report:
                report(num_tokens)
    for part, writer in parts.items():
        write_json(directory / part / META_FILE, writer.counts() | {"vocab_size": vocab_size, "tokenizer": name})


def encode_texts(texts: list[str], recipe: ShardRecipe) -> list[np.ndarray]:
    """Return the token ids (n,) uint32 of each text as a document of a store has them: sentence by sentence."""
    tokenizer, _, _ = _tokenizer(recipe.tokenizer, tokenizer_fingerprint(recipe.tokenizer))
    sentences = [recipe.split(text) for text in texts]
    encodings = iter(tokenizer.encode_batch_fast(list(chain.from_iterable(sentences)), add_special_tokens=False))
    own = [[encoding.ids for encoding in islice(encodings, len(part))] for part in sentences]
    return [np.fromiter(chain.from_iterable(ids), np.uint32) for ids in own]


@lru_cache(maxsize=1)
def _tokenizer(directory: Path, name: str) -> tuple[Tokenizer, int, int | None]:
    """Return the tokenizer of this fingerprint, its number of ids and that of [UNK], None where it has none.

    It is kept with its warm cache of words for more shards.
    """
    tokenizer = load_tokenizer(directory)
    tokenizer.encode_special_tokens = True
    return tokenizer, num_ids(tokenizer), special_tokens(directory).unk


def _batches(documents: Iterator[Document], recipe: ShardRecipe, batch_sentences: int) -> Iterator[tuple[str, _Batch]]:
    """Yield (part, batch): each part's sentences in corpus order, all from one pass over the documents."""
    batches = {part: _Batch() for part in PARTS}
    for document in documents:
        digest, part = document.heldout_digest(), TRAIN
        if is_heldout(digest, recipe.heldout_fraction):
            part = TUNING if is_tuning(digest) else REPORTING
        elif not is_read(digest, recipe.train_fraction):
            continue
        batch = batches[part]
        for block in blocks_of(document.text):
            sentences = recipe.split(block)
            if batch.has_room(len(sentences), len(block), batch_sentences):
                batch.add(sentences, len(block))
                continue
            for sentence in sentences:
                if batch.is_full(batch_sentences):
                    yield part, batch
                    batch = batches[part] = _Batch()
                batch.add([sentence], len(sentence))
        batch.end_document(document, digest)
    yield from batches.items()


def _encoded(
    batches: Iterator[tuple[str, _Batch]], tokenizer: Tokenizer
) -> Iterator[tuple[str, _Batch, list[Encoding]]]:
    for part, batch in batches:
        # encode_batch_fast keeps no character offsets: 1.2 to 1.3 x encode_batch, the same ids.
        yield part, batch, tokenizer.encode_batch_fast(batch.sentences, add_special_tokens=False)


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Give the same items in the same order, the next one being made in another thread meanwhile.

    At most one item waits, so memory stays bounded. What making an item raises is raised here, in its place.
    """
    end = object()
    with ThreadPoolExecutor(max_workers=1) as executor:
        coming = executor.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = executor.submit(next, items, end)
            yield item  # type: ignore[misc]


class _PartWriter:
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

    def append(self, batch: _Batch, encodings: list[Encoding]) -> int:
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
