"""What a configuration would read: by the prepared store, or where there is none by nominal lengths."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import is_pair
from nsp_ablation.pipeline.feed import make_feed, make_frame
from nsp_ablation.pipeline.stores import find_prepared
from nsp_ablation.samples.batches.budget import UpdateSize, update_size
from nsp_ablation.samples.formats.frame import Frame

# Real tokens of a sample on long documents of English: shares of T, and a pair of sentences of 25 tokens each.
_SHARE_OF_T = {"segment_pair": 1.0, "full": 1.0, "doc": 2 / 3}
_SENTENCE_PAIR = 53
# What our own tokenizers call padding; RoBERTa's table of positions begins after it.
_PADDING = {"bbpe": 1, "wordpiece": 0}


@dataclass(frozen=True)
class Reading:
    """The frame, the size of an update, the lengths (N,) int64 of samples, and where they are known from."""

    frame: Frame
    size: UpdateSize
    lengths: np.ndarray
    source: str


def reading(config: Config) -> Reading:
    """Return what the configuration reads: exactly, if its store is prepared, else by nominal lengths.

    Nothing is read of a corpus that is not prepared. Raises ValueError where the vocabulary is not known without.
    """
    prepared = find_prepared(config)
    if prepared is not None:
        feed = make_feed(config, prepared)
        return Reading(feed.frame, feed.size, feed.index_of(1).lengths(), "the prepared store")
    means = {name: _nominal_length(name, config.max_length) for name in (*_SHARE_OF_T, "sentence_pair")}
    own = means[config.format.name]
    size = update_size(
        *(config.budget, config.format.name, config.batch.sequences),
        *(float(own), float(means["segment_pair"]), float(means["full"])),
    )
    source = f"no prepared store: {config.format.name} inputs taken to hold {own} tokens"
    return Reading(_nominal_frame(config), size, np.array([own]), source)


def special_tokens_of(config: Config) -> int:
    """Return how many special tokens a sample holds at least."""
    return 3 if is_pair(config.format.name) else 2


def _nominal_length(format_name: str, max_length: int) -> int:
    if format_name == "sentence_pair":
        return min(_SENTENCE_PAIR, max_length)
    return round(_SHARE_OF_T[format_name] * max_length)


def _nominal_frame(config: Config) -> Frame:
    settings = config.tokenizer
    if settings.name == "pretrained":
        if settings.path is None or not Path(settings.path).is_dir():
            raise ValueError(
                f"trainer.dry_run=true does not know the vocabulary of tokenizer.path={settings.path}; run "
                "stage=prepare first, or name a directory"
            )
        return make_frame(config, Path(settings.path))
    assert settings.vocab_size is not None
    return Frame(
        max_length=config.max_length,
        cls=2,
        sep=3,
        mask=4,
        pad=_PADDING[settings.name],
        special_ids=(0, 1, 2, 3, 4),
        vocab_size=settings.vocab_size,
        pair_separators=2 if config.format.pair_separator == "double" else 1,
        sentence_separator=config.format.sentence_separator,
    )
