"""DOC-SENTENCES (Liu et al. 2019, section 4.2): blocks of whole sentences that never cross a document border."""

from dataclasses import dataclass

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.blocks import pack_blocks
from nsp_ablation.samples.formats.sample_index import SampleIndex, index_fingerprint
from nsp_ablation.text.store.token_store import TokenStore


@dataclass(frozen=True)
class DocSentences:
    """Whole sentences, contiguous, from one document, at most T tokens, shorter near the document's end.

    A document's blocks are fixed by its sentences, so there is nothing to draw: with `resample` the index is the same,
    whatever the seed and the epoch.
    """

    options: FormatOptions
    order: str  # of pairs: without effect here

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""
        return index_fingerprint(self.options, None, store, frame, None)

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return every block of the corpus; pure. Raises InputError if the store is empty."""
        return pack_blocks(
            store, frame, order=None, across_documents=False, fingerprint=self.fingerprint(store, frame, seed, epoch)
        )


make = DocSentences
