"""What the stores of a corpus that nobody has read yet take: its bytes, times what was measured on English text."""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.text.store.token_store import id_dtype

# results/benchmarks/prepare_text_tasks_2000_mb.md: 2 GB of JSON lines, 520 M tokens of 8,192 units (a larger vocabulary
# has fewer), 29 tokens a sentence; on two cores, both of which the tokenizer of one worker uses, too. Workers without
# datatrove: prepare_text_200_mb.md.
_BYTES_PER_TOKEN = 3.85
_TOKENS_PER_SENTENCE = 29.0
_BYTES_PER_CORE_SECOND = 6.45e6 / 2
_WORKER_BYTES, _ENGINE_WORKER_BYTES = 92e6, 176e6
_OFFSET_BYTES = np.dtype(np.int64).itemsize


@dataclass(frozen=True)
class StoreEstimate:
    """Tokens; bytes on disk of the stores, and of the shards that lie beside them until they are joined; bytes of
    memory of one worker; hours of one core."""

    tokens: float
    store_bytes: float
    shard_bytes: float
    worker_bytes: float
    core_hours: float


def estimate_stores(num_bytes: float, vocab_size: int, has_engine: bool) -> StoreEstimate:
    """Return what `num_bytes` of text in UTF-8 take with a vocabulary of so many units: an estimate for English prose.

    `has_engine` is whether workers run tasks of datatrove. The joined store is a copy of its shards, so for a while
    there is room for both.
    """
    tokens = num_bytes / _BYTES_PER_TOKEN
    on_disk = tokens * id_dtype(vocab_size).itemsize + tokens / _TOKENS_PER_SENTENCE * _OFFSET_BYTES
    worker = _ENGINE_WORKER_BYTES if has_engine else _WORKER_BYTES
    return StoreEstimate(tokens, on_disk, on_disk, worker, num_bytes / _BYTES_PER_CORE_SECOND / 3600)
