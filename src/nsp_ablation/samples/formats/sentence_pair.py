"""SENTENCE-PAIR (Liu et al. 2019, section 4.2): two natural sentences, for NSP or SOP."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from nsp_ablation.samples.formats.kernels.sentence_pairs import pair_sentences
from nsp_ablation.samples.formats.pairs import Offsets, PairFormat, PairKernel


@dataclass(frozen=True)
class SentencePair(PairFormat):
    """Two sentences, contiguous in one document or from two documents; a pair longer than T is trimmed as BERT does.

    `order="nsp"`: B is the next sentence or, with p = .5, a sentence of another document. With `pairs="overlapping"`
    each sentence is A once. With "disjoint" the next A is the first sentence not used yet, so that each sentence is
    once A or once a B that follows. The last sentence of a document, when it is A, has no next one: its B is random,
    so the share of random pairs is above .5. `lone_sentences="skip"` leaves out documents of one sentence ("random"
    pairs them as last sentences).
    `random_next=0`: B is always the next sentence; the last sentence is no A, documents of one sentence are left out.
    `order="sop"` (Lan et al. 2020): the same, and the two are swapped with p = .5.
    """

    def kernel(self, offsets: Offsets, epoch_key: np.uint64, capacity: int, min_sentences: int) -> PairKernel:
        """Return the kernel."""
        choices = min_sentences, self.options.pairs == "disjoint", self.follows, self.swaps
        return partial(pair_sentences, *offsets, epoch_key, capacity, choices)


make = SentencePair
