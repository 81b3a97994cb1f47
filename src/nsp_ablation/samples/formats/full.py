"""FULL-SENTENCES (Liu et al. 2019, section 4.2): blocks of whole sentences that cross document borders."""

from dataclasses import dataclass

from nsp_ablation.base.randomness import permutation, stream
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.blocks import pack_blocks
from nsp_ablation.samples.formats.sample_index import SampleIndex, index_fingerprint
from nsp_ablation.text.store.token_store import TokenStore

_DOCUMENTS, _LENGTHS = stream("full_sentences"), stream("full_lengths")


@dataclass(frozen=True)
class FullSentences:
    """Whole sentences, contiguous, from one or more documents, at most T tokens, one extra [SEP] between documents.

    Blocks are packed in corpus order and nothing is drawn, so neither the seed nor the epoch matters. With `resample`
    the order in which documents are packed is drawn anew by (seed, epoch): that is all of a block that can be drawn.

    `lengths="doc"`: blocks take the lengths of DOC-SENTENCES' inputs, in an order drawn by the seed (and with
    `resample` the epoch), so that the two can be compared at equal lengths. A block ends at the sentence border nearest
    to its length, never above T; what that leaves over or lacks is made good by the next, so the mean is DOC's.
    """

    options: FormatOptions
    order: str  # of pairs: without effect here

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""
        is_drawn = self.options.resample or self.options.lengths == "doc"
        draws = (seed, epoch if self.options.resample else 0) if is_drawn else None
        return index_fingerprint(self.options, None, store, frame, draws)

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return every block of one epoch; pure. Raises InputError if the store is empty."""
        lengths = None
        if self.options.lengths == "doc":
            lengths = pack_blocks(store, frame, order=None, across_documents=False, fingerprint="").lengths()
            lengths = lengths[permutation(seed, _LENGTHS, epoch if self.options.resample else 0, len(lengths))]
        return pack_blocks(
            store,
            frame,
            order=permutation(seed, _DOCUMENTS, epoch, store.num_documents) if self.options.resample else None,
            across_documents=True,
            fingerprint=self.fingerprint(store, frame, seed, epoch),
            lengths=lengths,
        )


make = FullSentences
