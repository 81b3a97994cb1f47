"""What a pre-training did, as its record tells it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlateauFacts:
    """When a pre-training left the plateau of unigram frequencies.

    From the first update after `update` on, `tokens` real tokens into the training, the smoothed MLM loss stays below
    `below` nats: the unigram entropy of the corpus, `unigram_entropy`, less a margin. Both are None where it never
    does; `learning/pretraining/plateau.py` says how the loss is smoothed.
    """

    unigram_entropy: float
    below: float
    update: int | None
    tokens: int | None


@dataclass(frozen=True)
class PretrainingFacts:
    """What a pre-training did. `tokens` are real tokens, without padding; `seconds` those of the training loop.

    Of the real tokens `special_tokens` are the separators that the format adds; `maskable_tokens` may be predicted: all
    but these, and but special tokens that stand in the text. `unique_tokens` are those of the corpus that were read at
    least once. `in_range_tokens` is the longest length that 1 % of the inputs had. These three and the last are None in
    records of schema 3. `device` is what it ran on, named as `Provenance.device`, `plateau` when it left the unigram
    plateau, `parameters` and `flops` (of forward and backward passes) come by formula; these four are None in records
    before schema 5.
    """

    updates: int
    tokens: int
    padding_tokens: int
    sequences: int
    predictions: int
    pairs: int | None
    passes: float
    trimmed_tokens: int
    maskable_tokens: int | None
    special_tokens: int | None
    unique_tokens: int | None
    realised_random_next: float | None
    mlm_loss: float | None
    nsp_accuracy: float | None
    seconds: float
    in_range_tokens: int | None = None
    device: str | None = None
    plateau: PlateauFacts | None = None
    parameters: int | None = None
    flops: float | None = None


# of encoders that were made before these facts were
NOT_KEPT = dict.fromkeys(("in_range_tokens", "device", "plateau", "parameters", "flops"))
