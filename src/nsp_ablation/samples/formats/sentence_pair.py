"""SENTENCE-PAIR (Liu et al. 2019, section 4.2): two natural sentences, for NSP or SOP."""

from dataclasses import dataclass
from functools import partial

from nsp_ablation.base import randomness
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.sentence_pairs import pair_sentences
from nsp_ablation.samples.formats.pairs import build_pairs, refuse_unpairable
from nsp_ablation.samples.formats.sample_index import SampleIndex, index_fingerprint, readonly
from nsp_ablation.text.store.token_store import TokenStore

_STREAM = "sentence_pair"


def make(options: FormatOptions, order: str) -> "SentencePair":
    """Return the format with its labels in an `order`, "nsp" or "sop"."""
    return SentencePair(options, order)


@dataclass(frozen=True)
class SentencePair:
    """Two sentences, contiguous in one document or from two documents; a pair longer than T is trimmed as BERT does.

    `order="nsp"`: B is the next sentence or, with p = .5, a sentence of another document. With `pairs="overlapping"`
    each sentence is A once. With "disjoint" the next A is the first sentence not used yet, so that each sentence is
    once A or once a B that follows. The last sentence of a document, when it is A, has no next one: its B is random,
    so the share of random pairs is above .5. `lone_sentences="skip"` leaves out documents of one sentence ("random"
    pairs them as last sentences).
    `random_next=0`: B is always the next sentence; the last sentence is no A, documents of one sentence are left out.
    `order="sop"` (Lan et al. 2020): the same, and the two are swapped with p = .5.
    """

    options: FormatOptions
    order: str

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""
        return index_fingerprint(self.options, self.order, store, frame, (seed, epoch if self.options.resample else 0))

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return every pair of one epoch, in the order of A's position in the corpus; pure.

        Raises ValueError if there are fewer than two documents or no pairs.
        """
        swaps, disjoint = self.order == "sop", self.options.pairs == "disjoint"
        follows = swaps or self.options.random_next == 0
        refuse_unpairable(self.options.name, store, frame, needs_other_document=not follows)
        epoch_key = randomness.epoch_key(seed, randomness.stream(_STREAM), epoch if self.options.resample else 0)
        min_sentences = 2 if self.options.lone_sentences == "skip" else 1
        offsets = readonly(store.sentence_offsets), readonly(store.document_offsets)
        choices = min_sentences, disjoint, follows, swaps
        kernel = partial(pair_sentences, *offsets, epoch_key, frame.pair_capacity, choices)
        fingerprint = self.fingerprint(store, frame, seed, epoch)
        return build_pairs(self.options.name, store, frame, kernel, fingerprint, swaps=swaps, follows=follows)
