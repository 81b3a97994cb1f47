"""A shard: a part of the corpus as tokens. Making one is a pure call, which any scheduler may make anywhere.

Three threads work side by side: one reads and splits, one waits for the encoder (itself parallel, in Rust, where it has
more than one core), one writes. Memory does not grow with the shard, but with its longest document.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from tokenizers import Encoding, Tokenizer

from nsp_ablation.base.artifact import build_once, write_json
from nsp_ablation.text.corpus.document import Document, blocks_of, is_heldout, is_read, is_tuning
from nsp_ablation.text.corpus.sentences import split_sentences
from nsp_ablation.text.corpus.source import Source, read_documents
from nsp_ablation.text.store.part_writer import Batch, PartWriter
from nsp_ablation.text.store.token_store import META_FILE, id_dtype
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, num_ids, special_tokens, tokenizer_fingerprint

# The training documents of a shard and the two halves of those held out lie in directories of these names, each like a
# token store (`part_writer.py`).
PARTS = TRAIN, REPORTING, TUNING = "train", "reporting", "tuning"
BATCH_SENTENCES = 16384  # that are encoded together, which changes the speed alone

EncodedBatch = tuple[str, Batch, list[Encoding]]
T = TypeVar("T")


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


def build_shard(
    source: Source,
    recipe: ShardRecipe,
    directory: Path,
    report: Callable[[int], None] | None = None,
    batch_sentences: int = BATCH_SENTENCES,
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
    batches = sentence_batches(read_documents(source), recipe, batch_sentences)
    write_parts(encoded_batches(batches, recipe), recipe, directory, report)


def write_parts(
    encoded: Iterator[EncodedBatch], recipe: ShardRecipe, directory: Path, report: Callable[[int], None] | None = None
) -> None:
    """Write the parts of a shard into the existing `directory`, of what `encoded_batches` gives.

    `report` is told every number of tokens written.
    """
    name = tokenizer_fingerprint(recipe.tokenizer)
    _, vocab_size, unknown = _tokenizer(recipe.tokenizer, name)
    with ExitStack() as stack:
        parts = {part: PartWriter(directory / part, id_dtype(vocab_size), unknown, stack) for part in PARTS}
        for part, batch, encodings in read_ahead(encoded):
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


def sentence_batches(
    documents: Iterator[Document], recipe: ShardRecipe, batch_sentences: int = BATCH_SENTENCES
) -> Iterator[tuple[str, Batch]]:
    """Yield (part, batch): each part's sentences in corpus order, all from one pass over the documents."""
    batches = {part: Batch() for part in PARTS}
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
                    batch = batches[part] = Batch()
                batch.add([sentence], len(sentence))
        batch.end_document(document, digest)
    yield from batches.items()


def encoded_batches(batches: Iterator[tuple[str, Batch]], recipe: ShardRecipe) -> Iterator[EncodedBatch]:
    """Yield (part, batch, encodings), an encoding per sentence; the next batch is made meanwhile."""
    tokenizer, _, _ = _tokenizer(recipe.tokenizer, tokenizer_fingerprint(recipe.tokenizer))
    for part, batch in read_ahead(batches):
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
