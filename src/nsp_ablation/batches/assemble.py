"""Assembly: from samples of an index to the ids that the encoder reads, laid end to end without padding."""

# L tokens of n samples, one sample after another; M masked positions

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numba import njit

from nsp_ablation.batches.masking import MaskSpec, mask_flat, special_table
from nsp_ablation.formats.frame import Frame
from nsp_ablation.formats.sample_index import SampleIndex
from nsp_ablation.store.token_store import TokenStore

IGNORED_LABEL = -100


@dataclass(frozen=True, eq=False)
class Flat:
    """Samples with their special tokens: sample s holds the tokens [sequence_offsets[s], sequence_offsets[s + 1]).

    input_ids, token_type_ids, position_ids (L,) int64; special (L,) bool: the inserted [CLS] and [SEP], and tokens of
    the text that are special ids; sequence_offsets (n + 1,) int64; piece_offsets (P + 1,) int64: the same tokens cut
    further, in pieces of one document (in a pair: of one segment), each with the separators that follow it, the first
    of a sample with its [CLS].
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    position_ids: np.ndarray
    special: np.ndarray
    sequence_offsets: np.ndarray
    piece_offsets: np.ndarray


@dataclass(frozen=True, eq=False)
class MaskedFlat(Flat):
    """The same with MLM targets: masked_input_ids (L,); masked_positions, masked_labels (M,); all int64."""

    masked_input_ids: np.ndarray
    masked_positions: np.ndarray
    masked_labels: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """(L,) int64: the id to predict, -100 where none is."""
        labels = np.full(len(self.input_ids), IGNORED_LABEL)
        labels[self.masked_positions] = self.masked_labels
        return labels


def assemble(store: TokenStore, index: SampleIndex, frame: Frame, samples: np.ndarray) -> Flat:
    """Lay out samples (n,) int64 of an index as `[CLS] span [SEP]*separators span [SEP]*separators ...`.

    Token type 1 is the second span of a pair and its separators; everything else is type 0.
    """
    spans, separators, offsets = (_plain(array) for array in (index.spans, index.separators, index.offsets))
    assert len(samples) == 0 or (samples.min() >= 0 and samples.max() < index.num_samples), "no such sample"
    return Flat(
        *_lay_out(
            *(_plain(store.ids), spans, separators, offsets, _plain(samples), special_table(frame)),
            *(frame.cls, frame.sep, index.is_pair, int(frame.sentence_separator)),
        )
    )


def assemble_masked(
    store: TokenStore, index: SampleIndex, frame: Frame, samples: np.ndarray, spec: MaskSpec, epoch: int
) -> MaskedFlat:
    """Lay out samples (n,) int64 of an index under their masks of an epoch (from 1)."""
    flat = assemble(store, index, frame, samples)
    keys = spec.keys(samples, epoch)
    masked = mask_flat(flat.input_ids, flat.special, flat.sequence_offsets, keys, frame, spec)
    return MaskedFlat(**vars(flat), masked_input_ids=masked[0], masked_positions=masked[1], masked_labels=masked[2])


def concatenate(flats: Sequence[MaskedFlat]) -> MaskedFlat:
    """Lay several masked flats end to end."""
    if len(flats) == 1:
        return flats[0]
    starts = np.cumsum([0, *(len(flat.input_ids) for flat in flats)])
    arrays = {field.name: np.concatenate([getattr(flat, field.name) for flat in flats]) for field in fields(MaskedFlat)}
    for name in ("sequence_offsets", "piece_offsets"):
        offsets = [getattr(flat, name)[:-1] + start for flat, start in zip(flats, starts, strict=False)]
        arrays[name] = np.concatenate([*offsets, starts[-1:]])
    positions = [flat.masked_positions + start for flat, start in zip(flats, starts, strict=False)]
    arrays["masked_positions"] = np.concatenate(positions)
    return MaskedFlat(**arrays)


def _plain(array: np.ndarray) -> np.ndarray:
    """Return a read-only view that is no memory map: one compiled kernel then serves arrays in RAM and on disk."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


@njit(cache=True)
def _lay_out(ids, spans, separators, offsets, samples, is_special, cls, sep, is_pair, inside):
    """`inside` is the number of separators that follow a sentence within a document: more of them end a piece."""
    sequence_offsets, num_spans = _sequence_offsets(spans, separators, offsets, samples)
    piece_offsets, num_pieces = np.zeros(num_spans + 1, np.int64), 0
    num_tokens = sequence_offsets[-1]
    input_ids, types = np.empty(num_tokens, np.int64), np.empty(num_tokens, np.int64)
    positions, special = np.empty(num_tokens, np.int64), np.empty(num_tokens, np.bool_)
    for sequence, sample in enumerate(samples):
        start, at = sequence_offsets[sequence], sequence_offsets[sequence] + 1
        input_ids[start], types[start], special[start] = cls, 0, True
        for span in range(offsets[sample], offsets[sample + 1]):
            first = at
            assert spans[span, 1] <= len(ids), "the index belongs to another store"
            for token in range(spans[span, 0], spans[span, 1]):
                input_ids[at], special[at] = ids[token], is_special[ids[token]]
                at += 1
            for _ in range(separators[span]):
                input_ids[at], special[at] = sep, True
                at += 1
            types[first:at] = is_pair and span > offsets[sample]
            if separators[span] > inside or span + 1 == offsets[sample + 1]:
                piece_offsets[num_pieces + 1] = at
                num_pieces += 1
        for token in range(start, at):
            positions[token] = token - start
    return input_ids, types, positions, special, sequence_offsets, piece_offsets[: num_pieces + 1].copy()


@njit(cache=True)
def _sequence_offsets(spans, separators, offsets, samples):
    sequence_offsets, num_spans = np.zeros(len(samples) + 1, np.int64), 0
    for sequence, sample in enumerate(samples):
        length = 1
        for span in range(offsets[sample], offsets[sample + 1]):
            length += spans[span, 1] - spans[span, 0] + separators[span]
        sequence_offsets[sequence + 1] = sequence_offsets[sequence] + length
        num_spans += offsets[sample + 1] - offsets[sample]
    return sequence_offsets, num_spans
