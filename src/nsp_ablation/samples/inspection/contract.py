"""The JSONL contract of `stage=inspect`: what a format feeds the model, sample by sample, for anybody to check."""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.base.artifact import atomic_path
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore

_CHUNK_SAMPLES = 1024


def header(
    store: TokenStore, frame: Frame, masks: Masks, epoch: int, *, format_name: str, objective: str, seed: int
) -> dict[str, Any]:
    """Return what the rows have in common, the value of `header` in the first line; `objective` is the resolved one."""
    return {
        "format": format_name,
        "masking": masks.options.name,
        "copies": masks.options.copies,
        "objective": objective,
        "seed": seed,
        "epoch": epoch,
        "max_length": frame.max_length,
        "store": store.fingerprint,
        "num_documents": store.num_documents,
        "num_sentences": store.num_sentences,
        "num_tokens": store.num_tokens,
        "special_token_ids": {name: int(getattr(frame, name)) for name in ("cls", "sep", "mask", "pad")},
        "vocab_size": frame.vocab_size,
    }


def sample_rows(
    store: TokenStore, index: SampleIndex, frame: Frame, masks: Masks, epoch: int, samples: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Give one row per sample, in the order of `samples` (n,) int64, under the masks of an epoch (from 1).

    Rows hold no padding. `spans` are `[document, sentence_start, sentence_end, token_start, token_end]`, one per piece
    of a document, in the order of the input; all are half-open and numbered through the whole store; a piece that
    begins or ends inside a sentence counts that sentence. `segment_spans` is the number of them in segment A, None
    without pairs.
    """
    for first in range(0, len(samples), _CHUNK_SAMPLES):
        chunk = samples[first : first + _CHUNK_SAMPLES]
        flat = assemble_masked(store, index, frame, chunk, masks, epoch)
        columns = {
            "input_ids": flat.input_ids,
            "masked_input_ids": flat.masked_input_ids,
            "token_type_ids": flat.token_type_ids,
            "special_tokens_mask": flat.special.astype(np.int64),
            "labels": flat.labels,
        }
        for row, sample in enumerate(chunk.tolist()):
            start, end = flat.sequence_offsets[row : row + 2]
            yield {
                "sample": sample,
                **{name: column[start:end].tolist() for name, column in columns.items()},
                "is_random_next": _label(index.is_random_next, sample),
                "is_swapped": _label(index.is_swapped, sample),
                "spans": pieces(store, index, sample),
                "segment_spans": 1 if index.is_pair else None,
            }


def pieces(store: TokenStore, index: SampleIndex, sample: int) -> list[list[int]]:
    """Return a sample's pieces of documents in the order of the input, as `sample_rows` describes them.

    The sentences of a single sequence that follow one another in a document are one piece; segments are never joined.
    """
    found: list[list[int]] = []
    for start, end in index.spans[index.offsets[sample] : index.offsets[sample + 1]].tolist():
        sentence_start, sentence_last = np.searchsorted(store.sentence_offsets, [start, end - 1], side="right") - 1
        document = int(np.searchsorted(store.document_offsets, sentence_start, side="right")) - 1
        if found and not index.is_pair and found[-1][0] == document and found[-1][4] == start:
            found[-1][2], found[-1][4] = int(sentence_last) + 1, end
        else:
            found.append([document, int(sentence_start), int(sentence_last) + 1, start, end])
    return found


def write_jsonl(path: Path, header_values: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    """Write the file of the contract, whole or not at all: `{"header": ...}`, then one row per line."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in chain([{"header": header_values}], rows))


def _label(labels: np.ndarray | None, sample: int) -> int | None:
    return None if labels is None else int(labels[sample])
