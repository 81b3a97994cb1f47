"""The four input formats by name."""

from typing import Protocol

from nsp_ablation.samples.formats.doc import DocSentences
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.full import FullSentences
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.samples.formats.segment_pair import SegmentPair
from nsp_ablation.samples.formats.sentence_pair import SentencePair
from nsp_ablation.text.store.token_store import TokenStore


class Format(Protocol):
    """An input format: a pure function from a store to the samples of one epoch."""

    @property
    def resample(self) -> bool:
        """Whether samples are drawn anew by (seed, epoch); if not, the epoch has no effect."""

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return all samples of one epoch; pure. Raises ValueError if the corpus cannot give any."""


def make_format(
    name: str, *, nsp_balance: str | None, lone_sentences: str | None, pairs: str | None, resample: bool, order: str
) -> Format:
    """Return the format `name`; the options that it does not have are not looked at.

    `order` is "sop" for the sentence-order objective, else "nsp"; it has no effect on FULL and DOC.
    Raises ValueError for an unknown name or an option that the format needs and that is None.
    """
    if name == "full":
        return FullSentences(resample)
    if name == "doc":
        return DocSentences(resample)
    if name == "segment_pair":
        return SegmentPair(
            _needed(name, "nsp_balance", nsp_balance), _needed(name, "lone_sentences", lone_sentences), resample, order
        )
    if name == "sentence_pair":
        return SentencePair(
            _needed(name, "pairs", pairs), _needed(name, "lone_sentences", lone_sentences), resample, order
        )
    raise ValueError(f"format={name} is unknown: use segment_pair, sentence_pair, full or doc")


def _needed(name: str, option: str, value: str | None) -> str:
    if value is None:
        raise ValueError(f"format.{option}=null, but format={name} needs a value")
    return value
