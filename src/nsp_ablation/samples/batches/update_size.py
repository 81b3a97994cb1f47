"""The size of an update: the paper's dynamic batch, which equalises real tokens within groups of formats (4.2).

Whose tokens a format matches is said in `options/format_options.py`; which samples an update takes, in `plan.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class UpdateSize:
    """How much one update takes: a fixed number of `sequences`, or real `tokens` on average; the other is None.

    `mean_sequences` and `mean_tokens` are both, as they come out on average over the format's samples.
    """

    sequences: int | None
    tokens: float | None
    mean_sequences: float
    mean_tokens: float


def update_size(sequences: int, mean_length: float, matched_length: float | None) -> UpdateSize:
    """Return the size of an update of B = `sequences`, in real tokens ([CLS] and [SEP] included).

    `mean_length` is the format's, in tokens per sample; `matched_length` that of the format whose tokens the update
    matches (B x that length), on the same store and frame. None: the update takes B sequences.
    """
    if matched_length is None:
        return UpdateSize(sequences, None, float(sequences), sequences * mean_length)
    tokens = sequences * matched_length
    return UpdateSize(None, tokens, tokens / mean_length, tokens)
