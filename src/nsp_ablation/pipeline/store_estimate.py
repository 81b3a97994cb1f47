"""What the stores of a corpus that nobody has read yet take: its bytes, times what was measured on English text."""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.text.store.token_store import id_dtype

# results/benchmarks/prepare_text_200_mb.md, one process: 200 MB of JSON lines, 51.9 M tokens of 8,192 units (a larger
# vocabulary has fewer), 29 tokens a sentence.
_BYTES_PER_TOKEN = 3.85
_TOKENS_PER_SENTENCE = 29.0
_BYTES_PER_SECOND = 5.7e6
_WORKER_BYTES = 92e6
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


def estimate_stores(num_bytes: float, vocab_size: int) -> StoreEstimate:
    """Return what `num_bytes` of text in UTF-8 take with a vocabulary of so many units: an estimate for English prose.

    The joined store is a copy of its shards, so for a while there is room for both.
    """
    tokens = num_bytes / _BYTES_PER_TOKEN
    on_disk = tokens * id_dtype(vocab_size).itemsize + tokens / _TOKENS_PER_SENTENCE * _OFFSET_BYTES
    return StoreEstimate(tokens, on_disk, on_disk, _WORKER_BYTES, num_bytes / _BYTES_PER_SECOND / 3600)
