"""Inputs of one or two texts: what classification and regression give an encoder."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks.examples import RatedExample, TextExample
from nsp_ablation.learning.tasks.features import Features, encode, lay_out


def text_features(
    texts: Sequence[tuple[str, ...]], labels: np.ndarray, tokenizer: Tokenizer, layout: InputLayout
) -> Features:
    """Return one sample per example: [CLS] A [SEP], or [CLS] A [SEP] B [SEP]; target: labels (N,).

    Texts too long are cut at their ends, the longer one first (BERT).
    """
    encoded = [encode(tokenizer, list(column)) for column in zip(*texts, strict=True)]
    if len(encoded) == 1:
        ids, offsets, second = lay_out([text[: layout.capacity] for text in encoded[0]], None, layout)
    else:
        kept = [cut_pair(len(a), len(b), layout.pair_capacity) for a, b in zip(*encoded, strict=True)]
        firsts = [text[:length] for text, (length, _) in zip(encoded[0], kept, strict=True)]
        seconds = [text[:length] for text, (_, length) in zip(encoded[1], kept, strict=True)]
        ids, offsets, second = lay_out(firsts, seconds, layout)
    return Features(ids, offsets, second, {"labels": labels}, np.arange(len(texts)))


def cut_pair(first: int, second: int, capacity: int) -> tuple[int, int]:
    """Return the tokens kept of two texts when the longer one loses its last token until both fit (BERT)."""
    kept_second = min(second, max(capacity - first, capacity // 2))
    return min(first, capacity - kept_second), kept_second


def text_clusters(examples: Sequence[TextExample | RatedExample]) -> list[str]:
    """Return what examples that depend on each other have in common (N,): pairs of one first text (MNLI: a premise) are
    a cluster, named by the text's fingerprint; a single text is its own."""
    return [fingerprint(example.texts[0]) if len(example.texts) > 1 else example.id for example in examples]
