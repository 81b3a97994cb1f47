"""What a configuration feeds the model: store, frame, samples, masks and plan. Training and inspection both use it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nsp_ablation.base.artifact import build_once
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective
from nsp_ablation.options.format_options import FormatOptions, matched_format
from nsp_ablation.pipeline.stores import Prepared
from nsp_ablation.samples.batches.budget import UpdateSize, update_size
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.stages.console import say
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, num_ids, special_tokens, word_starts


@dataclass(frozen=True)
class Feed:
    """All that decides an update. `heldout` and its index are None where the corpus holds no fitting document out."""

    store: TokenStore
    frame: Frame
    masks: Masks
    index_of: Callable[[int], SampleIndex]
    size: UpdateSize
    plan: BatchPlan
    heldout: TokenStore | None
    heldout_index: SampleIndex | None


def make_feed(config: Config, prepared: Prepared) -> Feed:
    """Return the feed of a configuration over its prepared corpus; indexes are built once and memory-mapped."""
    store = TokenStore.open(prepared.store)
    frame = make_frame(config, prepared.tokenizer)
    masks = make_masks(config, prepared.tokenizer)
    index_of = _index_function(config, store, frame)
    size = _update_size(config, store, frame, index_of(1))
    heldout = TokenStore.open(prepared.heldout) if prepared.heldout else None
    heldout_index = _heldout_index(config, heldout, frame) if heldout is not None else None
    return Feed(store, frame, masks, index_of, size, BatchPlan(index_of, size, config.seed), heldout, heldout_index)


def _heldout_index(config: Config, heldout: TokenStore, frame: Frame) -> SampleIndex | None:
    """Return the samples of the held-out documents in the format itself; None, with a line that says why, where these
    few documents cannot make any, though the corpus can. The corpus' seed draws them: equal for every other seed."""
    try:
        return _open_index(config, config.format, heldout, frame, 0, config.corpus.seed)
    except ValueError as error:
        say("prepare", f"no held-out loss, since of the held-out documents alone: {error}")
        return None


def make_masks(config: Config, tokenizer: Path) -> Masks:
    """Return the configuration's masks; those of whole words need the tokenizer's table of word starts."""
    starts = word_starts(tokenizer) if config.masking.unit == "whole_word" else None
    return Masks(config.masking, config.seed, starts)


def make_frame(config: Config, tokenizer: Path) -> Frame:
    """Return the layout of special tokens of the configuration's format under a tokenizer."""
    return frame_of(
        tokenizer,
        config.max_length,
        pair_separators=config.format.num_pair_separators,
        sentence_separator=config.format.sentence_separator,
    )


def frame_of(tokenizer: Path, max_length: int, *, pair_separators: int = 1, sentence_separator: bool = False) -> Frame:
    """Return a layout of the special tokens of a tokenizer directory."""
    tokens = special_tokens(tokenizer)
    return Frame(
        max_length=max_length,
        cls=tokens.cls,
        sep=tokens.sep,
        mask=tokens.mask,
        pad=tokens.pad,
        special_ids=tokens.all_ids,
        vocab_size=num_ids(load_tokenizer(tokenizer)),
        pair_separators=pair_separators,
        sentence_separator=sentence_separator,
    )


def _index_function(config: Config, store: TokenStore, frame: Frame) -> Callable[[int], SampleIndex]:
    """Return the index of each epoch (from 1): one for all, unless the format is drawn anew (fidelity row 14)."""
    open_epoch = lru_cache(maxsize=2)(
        lambda epoch: _open_index(config, config.format, store, frame, epoch, config.seed)
    )
    return lambda epoch: open_epoch(config.masking.mask_epoch(epoch) if config.format.resample else 0)


def _open_index(
    config: Config, choice: FormatOptions, store: TokenStore, frame: Frame, epoch: int, seed: int
) -> SampleIndex:
    built = make_format(choice, "sop" if resolved_objective(config) == "mlm_sop" else "nsp")
    name = built.fingerprint(store, frame, seed, epoch)
    directory = Path(config.paths.artifacts) / "indexes" / name
    build_once(directory, lambda new: built.index(store, frame, seed, epoch).save(new))
    return SampleIndex.open(directory)


def _update_size(config: Config, store: TokenStore, frame: Frame, own: SampleIndex) -> UpdateSize:
    """Return the size of an update; the format to match is built with the paper's own choices (fidelity row 1)."""
    name = matched_format(config.budget, config.format.name)
    matched_length = None
    if name is not None:
        index = _open_index(config, FormatOptions(name), store, frame, 0, config.seed)
        matched_length = float(index.lengths().mean())
    return update_size(config.batch.sequences, float(own.lengths().mean()), matched_length)
