"""SEGMENT-PAIR (Devlin et al. 2019; Liu et al. 2019, section 4.2): two segments of many sentences, for NSP or SOP."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from nsp_ablation.base import randomness
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.draws import HALF
from nsp_ablation.samples.formats.kernels.nsp_balance import exact_balance, same_threshold
from nsp_ablation.samples.formats.kernels.segment_pairs import pair_segments
from nsp_ablation.samples.formats.pairs import build_pairs, refuse_unpairable
from nsp_ablation.samples.formats.sample_index import SampleIndex, index_fingerprint, readonly
from nsp_ablation.text.store.token_store import TokenStore

_STREAM = "segment_pair"


def make(options: FormatOptions, order: str) -> "SegmentPair":
    """Return the format with its labels in an `order`, "nsp" or "sop"."""
    return SegmentPair(options, order)


@dataclass(frozen=True)
class SegmentPair:
    """BERT's pairs, up to T tokens together.

    `order="nsp"`: B follows A, or begins at a random sentence of another document. `nsp_balance` is "bert" (p = .5
    where there is a choice) or "exact" (half of all pairs are random); `lone_sentences="skip"` leaves out documents of
    one sentence, whose B is otherwise ("random") always random.
    `random_next=0`: B always follows A; chunks of one sentence are left out, and the other two have no effect.
    `order="sop"` (Lan et al. 2020): the same, and the two are swapped with p = .5, before trimming.

    Deviations from BERT's released code: no short sequences (Liu et al. 2019, section 2); the random document is never
    the pair's own (BERT gives up after ten draws); documents keep the order of the corpus.
    """

    options: FormatOptions
    order: str

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""
        return index_fingerprint(self.options, self.order, store, frame, (seed, epoch if self.options.resample else 0))

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return every pair of one epoch, in the order of A's position in the corpus; pure.

        Raises ValueError if there are fewer than two documents, no pairs, or no way to balance them.
        """
        swaps = self.order == "sop"
        follows = swaps or self.options.random_next == 0
        refuse_unpairable(self.options.name, store, frame, needs_other_document=not follows)
        epoch_key = randomness.epoch_key(seed, randomness.stream(_STREAM), epoch if self.options.resample else 0)
        min_sentences = 2 if self.options.lone_sentences == "skip" else 1
        offsets = readonly(store.sentence_offsets), readonly(store.document_offsets)
        balance = same_threshold(np.uint64(0) if follows else HALF)
        if self.options.nsp_balance == "exact" and not follows:
            balance = exact_balance(*offsets, epoch_key, frame.pair_capacity, min_sentences)
        choices = min_sentences, follows, swaps
        kernel = partial(pair_segments, *offsets, epoch_key, frame.pair_capacity, balance, choices)
        fingerprint = self.fingerprint(store, frame, seed, epoch)
        return build_pairs(self.options.name, store, frame, kernel, fingerprint, swaps=swaps, follows=follows)
