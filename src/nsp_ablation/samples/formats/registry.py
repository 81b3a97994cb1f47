"""The input formats: what each of them offers, and how one is found by its name."""

from importlib import import_module
from typing import Protocol, cast

from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore


class Format(Protocol):
    """An input format: a pure function from a store to the samples of one epoch.

    The epoch has no effect unless `format.resample` draws samples anew in each.
    """

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return all samples of one epoch; pure. Raises InputError if the corpus cannot give any."""


def drawn_epoch(options: FormatOptions, masking: MaskingOptions, epoch: int) -> int:
    """Return by which epoch a format draws the samples of one (from 1): with `format.resample` that of its masks, else
    0, since all epochs share one index."""
    return masking.mask_epoch(epoch) if options.resample else 0


def make_format(options: FormatOptions, order: str) -> Format:
    """Return the format that `options` name, from its module's `make(options, order)`.

    `order` is "sop" for the sentence-order objective, else "nsp"; it has no effect on formats without pairs.
    """
    return cast(Format, import_module(FORMATS[options.name].module).make(options, order))
