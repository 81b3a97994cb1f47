"""Assembly: from samples of an index to the ids that the encoder reads, laid end to end without padding."""

# L tokens of n samples, one sample after another; M masked positions

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numba import njit

from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings, never_masked
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.draws import sample_key
from nsp_ablation.samples.formats.sample_index import SampleIndex, readonly
from nsp_ablation.text.store.token_store import TokenStore

IGNORED_LABEL = -100


@dataclass(frozen=True, eq=False)
class MaskedFlat:
    """Samples with their special tokens: sample s holds the tokens [sequence_offsets[s], sequence_offsets[s + 1]).

    input_ids, token_type_ids, position_ids (L,) int64; special (L,) bool: the inserted [CLS] and [SEP], and tokens of
    the text that are special ids; sequence_offsets (n + 1,) int64; piece_offsets (P + 1,) int64: the same tokens cut
    further, in pieces of one document (in a pair: of one segment), each with the separators that follow it, the first
    of a sample with its [CLS]. MLM targets: masked_input_ids (L,); masked_positions, masked_labels (M,); all int64.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    position_ids: np.ndarray
    special: np.ndarray
    sequence_offsets: np.ndarray
    piece_offsets: np.ndarray
    masked_input_ids: np.ndarray
    masked_positions: np.ndarray
    masked_labels: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """(L,) int64: the id to predict, -100 where none is."""
        labels = np.full(len(self.input_ids), IGNORED_LABEL)
        labels[self.masked_positions] = self.masked_labels
        return labels


def assemble_masked(
    store: TokenStore, index: SampleIndex, frame: Frame, samples: np.ndarray, masks: Masks, epoch: int
) -> MaskedFlat:
    """Lay out samples (n,) int64 of an index as `[CLS] span [SEP]*separators span [SEP]*separators ...`.

    Token type 1 is the second span of a pair and its separators; everything else is type 0. The masks are those of an
    epoch (from 1).
    """
    arrays = readonly(store.ids), index.spans, index.separators, index.offsets, readonly(samples)
    layout = never_masked(frame), frame.cls, frame.sep, index.is_pair, int(frame.sentence_separator)
    return MaskedFlat(*_lay_out_masked(*arrays, *layout, masks.epoch_key(epoch), mask_settings(frame, masks)))


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


@njit(cache=True, nogil=True)
def _lay_out_masked(
    ids, spans, separators, offsets, samples, never_masked, cls, sep, is_pair, inside, epoch_key, mask_settings
):
    """`_lay_out`, then the masks: one call from Python, since calls cost as much as the work on a small batch."""
    laid_out = _lay_out(ids, spans, separators, offsets, samples, never_masked, cls, sep, is_pair, inside)
    input_ids, special, sequence_offsets = laid_out[0], laid_out[3], laid_out[4]
    keys = np.empty(len(samples), np.uint64)
    for sequence, sample in enumerate(samples):
        keys[sequence] = sample_key(epoch_key, np.uint64(sample))
    return laid_out + mask_kernel(input_ids, special, sequence_offsets, keys, *mask_settings)


@njit(cache=True, nogil=True)
def _lay_out(ids, spans, separators, offsets, samples, never_masked, cls, sep, is_pair, inside):
    """`inside` is the number of separators that follow a sentence within a document: more of them end a piece.

    Loops run over slices from 0, which lets the compiler drop its checks for negative indices and vectorise.
    """
    sequence_offsets, num_spans = _sequence_offsets(spans, separators, offsets, samples)
    piece_offsets, num_pieces = np.zeros(num_spans + 1, np.int64), 0
    num_tokens = sequence_offsets[-1]
    input_ids, types = np.empty(num_tokens, np.int64), np.empty(num_tokens, np.int64)
    positions, special = np.empty(num_tokens, np.int64), np.empty(num_tokens, np.bool_)
    for sequence, sample in enumerate(samples):
        start, at = sequence_offsets[sequence], sequence_offsets[sequence] + 1
        input_ids[start], types[start], special[start] = cls, 0, True
        for span in range(offsets[sample], offsets[sample + 1]):
            assert spans[span, 1] <= len(ids), "the index belongs to another store"
            text = ids[spans[span, 0] : spans[span, 1]]
            end = at + len(text) + separators[span]
            _copy(text, input_ids[at:end], special[at:end], never_masked, sep)
            types[at:end] = is_pair and span > offsets[sample]
            at = end
            if separators[span] > inside or span + 1 == offsets[sample + 1]:
                num_pieces += 1
                piece_offsets[num_pieces] = at
        counted = positions[start:at]
        for position in range(len(counted)):
            counted[position] = position
    return input_ids, types, positions, special, sequence_offsets, piece_offsets[: num_pieces + 1].copy()


@njit(cache=True, nogil=True)
def _copy(text, input_ids, special, never_masked, sep):
    """Write a span's tokens and, after them, its separators; `never_masked` are the four ids that are no targets."""
    first, second, third, fourth = never_masked
    for i in range(len(text)):
        token = np.int64(text[i])
        input_ids[i] = token
        special[i] = (token == first) | (token == second) | (token == third) | (token == fourth)
    for i in range(len(text), len(input_ids)):
        input_ids[i], special[i] = sep, True


@njit(cache=True, nogil=True)
def _sequence_offsets(spans, separators, offsets, samples):
    sequence_offsets, num_spans = np.zeros(len(samples) + 1, np.int64), 0
    for sequence, sample in enumerate(samples):
        assert 0 <= sample < len(offsets) - 1, "no such sample"
        length = 1
        for span in range(offsets[sample], offsets[sample + 1]):
            length += spans[span, 1] - spans[span, 0] + separators[span]
        sequence_offsets[sequence + 1] = sequence_offsets[sequence] + length
        num_spans += offsets[sample + 1] - offsets[sample]
    return sequence_offsets, num_spans
