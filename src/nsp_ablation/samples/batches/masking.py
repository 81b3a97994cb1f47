"""MLM targets: static masks, static masks in several copies, and dynamic masks, from one stateless generator.

Tokens are first *chosen* to be predicted (`_choose_exactly`, `_choose_each`, or `whole_words.choose_words`), then
*replaced* by [MASK], a random token or nothing. A mask is a pure function of (seed, mask epoch, sample): `exact` draws
a set of the counted size, all sets being equally likely, `bernoulli` each position by itself.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numba import njit

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.randomness import epoch_key, stream
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.whole_words import choose_words, separate_characters
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.draws import below, draw64

_MASKS = stream("masks")
# Counters: below 2**32 those of the choice; p + 2**32 says what replaces position p, p + 2**33 draws the random token.
_REPLACEMENTS, _RANDOM_TOKENS = np.uint64(1 << 32), np.uint64(1 << 33)
_SHIFT_32 = np.uint64(32)
_NOTHING_SPELLED = np.zeros(0, np.uint8), np.zeros(0, np.int64)


@dataclass(frozen=True)
class Masks:
    """The MLM targets of every sample and epoch (Liu et al. 2019, section 4.1; Devlin et al. 2019, section 3.1).

    `static` has `copies` masks of each sample, used in turn, epoch by epoch; `dynamic` has a new one in every epoch
    (`copies` None). `exact` chooses round(probability * n) of a sample's n ordinary tokens (a half to the even number,
    as in BERT's code under Python 3) and at least 1; `bernoulli` chooses each token by itself. Of the chosen,
    `mask_fraction` become [MASK], `random_fraction` a random token, the rest stay. With `unit="whole_word"` all tokens
    of a word are chosen together (`whole_words.choose_words`), each replaced by itself; `word_starts` (V,) bool then
    says which tokens begin a word, and `token_bytes` what they spell, where Chinese characters are to be words
    (`whole_words.separate_characters`). Raises InputError where these fractions or `copies` make no sense.
    """

    options: MaskingOptions
    seed: int
    word_starts: np.ndarray | None = field(default=None, compare=False, repr=False)
    token_bytes: tuple[np.ndarray, np.ndarray] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        options = self.options
        if options.mask_fraction + options.random_fraction > 1 + 1e-9:
            total = f"{options.mask_fraction} + {options.random_fraction}"
            raise InputError(f"masking.mask_fraction + masking.random_fraction = {total} exceeds 1; lower one of them")
        if (options.name == "static") != (options.copies is not None):
            raise InputError(
                f"masking.copies={options.copies} does not go with masking.name={options.name}: static masks need a "
                "number of copies, dynamic ones have null"
            )
        assert (options.unit == "whole_word") == (self.word_starts is not None), "words need a table of their starts"

    def epoch_key(self, epoch: int) -> np.uint64:
        """Return the key from which the samples of an epoch (from 1) take theirs."""
        return _epoch_key(self.seed, self.options.mask_epoch(epoch))


@lru_cache(maxsize=64)
def _epoch_key(seed: int, mask_epoch: int) -> np.uint64:
    return epoch_key(seed, _MASKS, mask_epoch)


def never_masked(frame: Frame) -> tuple[int, int, int, int]:
    """Return the ids that are never chosen as targets: [CLS], [SEP], [MASK] and [PAD].

    An [UNK] that stands in the text is a target like any word, as in BERT; as a random token it is never drawn.
    """
    return frame.cls, frame.sep, frame.mask, frame.pad


@lru_cache(maxsize=4)
def _ordinary_ids(frame: Frame) -> np.ndarray:
    """Return the ids that a random token is drawn from: all but `frame.special_ids` and the frame's own."""
    ids = np.setdiff1d(np.arange(frame.vocab_size), [*frame.special_ids, *never_masked(frame)])
    ids.flags.writeable = False
    return ids


def mask_settings(frame: Frame, masks: Masks) -> tuple:
    """Return what `mask_kernel` takes after the keys: the same for every batch of a run."""
    options = masks.options
    word_starts = np.zeros(0, np.bool_) if masks.word_starts is None else masks.word_starts
    spelled = _NOTHING_SPELLED if masks.token_bytes is None else masks.token_bytes
    borders = _borders(options.mask_fraction, options.random_fraction)
    words = word_starts, *spelled
    return _ordinary_ids(frame), frame.mask, *words, options.probability, options.count == "exact", borders


@lru_cache(maxsize=4)
def _borders(mask_fraction: float, random_fraction: float) -> np.ndarray:
    return (np.array([mask_fraction, mask_fraction + random_fraction]) * 2.0**32).astype(np.uint64)


@njit(cache=True, nogil=True)
def mask_kernel(
    input_ids,
    special,
    sequence_offsets,
    keys,
    ordinary_ids,
    mask_id,
    word_starts,
    token_bytes,
    byte_offsets,
    probability,
    exact,
    borders,
):
    """Choose and replace the targets of sequences laid end to end.

    input_ids (L,) int64; special (L,) bool, never chosen; sequence_offsets (n + 1,) int64; keys (n,) uint64, one a
    sequence; `borders` (2,) uint64: a draw of 32 bits below them is a [MASK], or a random token. Returns
    masked_input_ids (L,), masked_positions (M,) ascending and masked_labels (M,), all int64.
    """
    masked_input_ids, positions, labels = input_ids.copy(), np.empty_like(input_ids), np.empty_like(input_ids)
    taken = np.zeros(np.max(np.diff(sequence_offsets)) if len(keys) else 0, np.bool_)
    num_masked = 0
    for sequence in range(len(keys)):
        start, end = sequence_offsets[sequence], sequence_offsets[sequence + 1]
        key, chosen = keys[sequence], positions[num_masked : num_masked + end - start]
        if len(word_starts):
            begins = word_starts[input_ids[start:end]]
            if len(byte_offsets):
                separate_characters(input_ids[start:end], special[start:end], token_bytes, byte_offsets, begins)
            num_chosen = choose_words(key, special[start:end], begins, probability, exact, chosen)
        elif exact:
            num_chosen = _choose_exactly(key, special[start:end], probability, taken, chosen)
        else:
            num_chosen = _choose_each(key, special[start:end], np.uint64(probability * 2.0**64), chosen)
        for i in range(num_chosen):
            counter, token = np.uint64(chosen[i]), start + chosen[i]
            chosen[i], labels[num_masked + i] = token, input_ids[token]
            action = draw64(key, counter + _REPLACEMENTS) >> _SHIFT_32
            if action < borders[0]:
                masked_input_ids[token] = mask_id
            elif action < borders[1]:
                bits = draw64(key, counter + _RANDOM_TOKENS)
                masked_input_ids[token] = ordinary_ids[below(bits, np.uint64(len(ordinary_ids)))]
        num_masked += num_chosen
    return masked_input_ids, positions[:num_masked].copy(), labels[:num_masked].copy()


@njit(cache=True, nogil=True)
def _choose_exactly(key, special, probability, taken, chosen):
    """Write k = round(probability * n), at least 1, of the n ordinary positions, ascending, into `chosen`; return k.

    Every k of them are equally likely (Floyd's algorithm, Bentley 1987: k draws, where one number a position and a
    ranking would cost n). `taken` (at least n,) is all false, and left so.
    """
    num_ordinary = 0
    for position in range(len(special)):
        num_ordinary += not special[position]
    if num_ordinary == 0:
        return 0
    num_wanted = max(1, int(np.rint(probability * num_ordinary)))
    for last in range(num_ordinary - num_wanted, num_ordinary):
        pick = below(draw64(key, np.uint64(last)), np.uint64(last + 1))
        taken[np.uint64(last) if taken[pick] else pick] = True
    num_chosen = rank = np.uint64(0)
    for position in range(len(special)):  # without a branch: 15 % would be mispredicted
        is_ordinary = np.uint64(not special[position])
        chosen[num_chosen] = position
        num_chosen += is_ordinary & np.uint64(taken[rank])
        rank += is_ordinary
        if num_chosen == num_wanted:
            break
    taken[:num_ordinary] = False
    return num_wanted


@njit(cache=True, nogil=True)
def _choose_each(key, special, threshold, chosen):
    """Write the ordinary positions whose own draw lies below `threshold` (uint64) into `chosen`; return how many."""
    num_chosen = 0
    for position in range(len(special)):
        chosen[num_chosen] = position
        num_chosen += (draw64(key, np.uint64(position)) < threshold) & (not special[position])
    return num_chosen
