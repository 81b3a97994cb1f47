"""What a configuration would read: by the prepared store, or where there is none by nominal lengths."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsp_ablation.base.errors import InputError
from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FORMATS, matched_format
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.samples.batches.update_size import UpdateSize, update_size
from nsp_ablation.samples.formats.frame import Frame

# What our own tokenizers call padding; RoBERTa's table of positions begins after it.
_PADDING = {"bbpe": 1, "wordpiece": 0}


@dataclass(frozen=True)
class InputEstimate:
    """The frame, the size of an update, the lengths (N,) int64 of samples, and where they are known from."""

    frame: Frame
    size: UpdateSize
    lengths: np.ndarray
    source: str


def estimate_input(config: Config) -> InputEstimate:
    """Return what the configuration reads: exactly, if its store is prepared, else by nominal lengths.

    Nothing is read of a corpus that is not prepared. Raises InputError where the vocabulary is not known without.
    """
    link = feed_of(config)
    if link.stores.is_made:
        feed = link.open()
        return InputEstimate(feed.frame, feed.size, feed.index_of(1).lengths(), "the prepared store")
    own = _nominal_length(config.format.name, config.max_length)
    matched = matched_format(config.budget, config.format.name)
    matched_length = None if matched is None else float(_nominal_length(matched, config.max_length))
    size = update_size(config.batch.sequences, float(own), matched_length)
    source = f"no prepared store: {config.format.name} inputs taken to hold {own} tokens"
    return InputEstimate(_nominal_frame(config), size, np.array([own]), source)


def _nominal_length(format_name: str, max_length: int) -> int:
    """Return the real tokens of a sample on long documents of English."""
    facts = FORMATS[format_name]
    if facts.nominal_tokens is not None:
        return min(facts.nominal_tokens, max_length)
    return round(facts.nominal_share * max_length)


def _nominal_frame(config: Config) -> Frame:
    settings = config.tokenizer
    if settings.name == "pretrained":
        if settings.path is None or not Path(settings.path).is_dir():
            raise InputError(
                f"trainer.dry_run=true does not know the vocabulary of tokenizer.path={settings.path}; run "
                "stage=prepare first, or name a directory"
            )
        return feed_of(config).frame()
    assert settings.vocab_size is not None
    return Frame(
        max_length=config.max_length,
        cls=2,
        sep=3,
        mask=4,
        pad=_PADDING[settings.name],
        special_ids=(0, 1, 2, 3, 4),
        vocab_size=settings.vocab_size,
        pair_separators=config.format.num_pair_separators,
        sentence_separator=config.format.sentence_separator,
    )
