"""The size of an update: the paper's dynamic batch, which equalises real tokens within groups of formats (4.2)."""

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


def update_size(
    budget: str,
    format_name: str,
    sequences: int,
    mean_length_own: float,
    mean_length_segment: float | None,
    mean_length_full: float | None,
) -> UpdateSize:
    """Return the size of an update of B = `sequences` under a budget, in real tokens ([CLS] and [SEP] included).

    `paper`: SEGMENT and FULL take B sequences, SENTENCE takes B x mean SEGMENT length, DOC B x mean FULL length;
    `tokens`: every format takes B x mean FULL length; `sequences`: B sequences everywhere. The mean lengths are those
    of the format itself, of SEGMENT-PAIR and of FULL-SENTENCES on the same store and frame, in tokens a sample; one
    that the budget does not use may be None.
    """
    mean_length = _shared_length(budget, format_name, mean_length_segment, mean_length_full)
    if mean_length is None:
        return UpdateSize(sequences, None, float(sequences), sequences * mean_length_own)
    tokens = sequences * mean_length
    return UpdateSize(None, tokens, tokens / mean_length_own, tokens)


def _shared_length(budget: str, format_name: str, segment: float | None, full: float | None) -> float | None:
    """Return the mean length, times B, that the format must match; None where it takes B sequences."""
    assert format_name in ("segment_pair", "sentence_pair", "full", "doc"), format_name
    if budget == "sequences" or (budget == "paper" and format_name in ("segment_pair", "full")):
        return None
    assert budget in ("paper", "tokens"), budget
    mean_length = segment if (budget, format_name) == ("paper", "sentence_pair") else full
    assert mean_length is not None, f"{budget=} of {format_name} needs the mean length of the format it matches"
    return mean_length
