"""Whole-word masking: all tokens of a word are MLM targets together (Devlin et al., release of May 2019).

A word is a run of ordinary tokens of which only the first begins a word in the tokenizer's sense: a leading space in
byte-level BPE (a comma then belongs to the word before it, as in fairseq), no `##` in WordPiece (a comma is a word).
A special token ends a word, and so does the end of a sample: a word that a format has cut is masked in its parts.

A Chinese character is a word, with the space before it, as in BERT's Chinese model; words of several characters would
need a segmenter, which is not supported. In byte-level BPE a character may be several tokens, and a token may hold
several characters or end inside one: the tokens that share a character are targets together, so a word is then the
least run of tokens that holds whole characters. Japanese kana, Thai and the like are words between spaces.
"""

import numpy as np
from numba import njit

from nsp_ablation.samples.formats.kernels.draws import draw64


@njit(cache=True)
def choose_words(key, special, begins, probability, exact, chosen):
    """Write the chosen positions of one sequence of L tokens, ascending, into `chosen` (L,) and return their number.

    key uint64; special, begins (L,) bool. A word's draw is that of its first position. `exact`: words are taken in the
    order of their draws, each that would exceed round(probability * n) of the n ordinary tokens being passed over, as
    in BERT's code; where none fits, the first one is taken, so that a sequence has a target. Otherwise (`bernoulli`)
    a word is taken with the given probability.
    """
    starts, num_words, num_ordinary = np.empty(len(special) + 1, np.int64), 0, 0
    for position in range(len(special)):
        if not special[position]:
            num_ordinary += 1
            if begins[position] or position == 0 or special[position - 1]:
                starts[num_words] = position
                num_words += 1
    if num_words == 0:
        return 0
    draws, lengths = np.empty(num_words, np.uint64), np.zeros(num_words, np.int64)
    for word in range(num_words):
        draws[word] = draw64(key, np.uint64(starts[word]))
        position = starts[word]
        last = starts[word + 1] if word + 1 < num_words else len(special)
        while position < last and not special[position]:
            lengths[word] += 1
            position += 1
    taken = np.zeros(num_words, np.bool_)
    if exact:
        _take_exactly(np.argsort(draws), lengths, max(1, int(np.rint(probability * num_ordinary))), taken)
    else:
        taken[:] = draws < np.uint64(probability * 2.0**64)
    num_chosen = 0
    for word in range(num_words):
        for position in range(starts[word], starts[word] + lengths[word] * taken[word]):
            chosen[num_chosen] = position
            num_chosen += 1
    return num_chosen


@njit(cache=True)
def separate_characters(input_ids, special, token_bytes, byte_offsets, begins):
    """Let a word begin at each Chinese character and after it, at positions where a character begins, in `begins` (L,).

    input_ids (L,); special (L,) bool; what they spell as `text.tokenization.token_bytes` gives it. `begins` holds the
    borders that spaces and `##` make. Where no Chinese character stands, nothing changes.
    """
    code, num_missing, follows, opened, only_space = np.int64(0), np.int64(0), False, -1, False
    for position in range(len(input_ids)):
        first, last = byte_offsets[input_ids[position]], byte_offsets[input_ids[position] + 1]
        if special[position] or first == last:
            num_missing, follows, opened, only_space = np.int64(0), False, -1, False
            continue
        if num_missing:
            begins[position] = False
        elif follows:
            begins[position] = True
        if begins[position]:
            only_space = True
        for at in range(first, last):
            byte = np.int64(token_bytes[at])
            if byte & 0xC0 == 0x80:  # goes on with a character; a stray one is part of none
                code, num_missing = (code << 6) | (byte & 0x3F), max(num_missing - 1, np.int64(0))
            else:
                num_missing = np.int64(byte >= 0xC0) + np.int64(byte >= 0xE0) + np.int64(byte >= 0xF0)
                code = byte & (0x7F >> (num_missing + np.int64(num_missing > 0)))
                opened = position if at == first and not only_space else -1
                only_space = only_space and byte == 0x20
            if num_missing == 0:
                follows = _is_chinese(code)
                if follows and opened >= 0:
                    begins[opened] = True
                opened = -1
    return begins


@njit(cache=True)
def _is_chinese(code):
    """Return whether a code point is a Chinese character by the ranges of BERT's tokenizer."""
    return (
        (0x4E00 <= code <= 0x9FFF)
        or (0x3400 <= code <= 0x4DBF)
        or (0xF900 <= code <= 0xFAFF)
        or (0x20000 <= code <= 0x2A6DF)
        or (0x2A700 <= code <= 0x2CEAF)
        or (0x2F800 <= code <= 0x2FA1F)
    )


@njit(cache=True)
def _take_exactly(order, lengths, num_wanted, taken):
    """Take words in `order` while they fit in `num_wanted` tokens, or else the first one alone."""
    num_left = num_wanted
    for word in order:
        if lengths[word] <= num_left:
            taken[word] = True
            num_left -= lengths[word]
    if num_left == num_wanted:
        taken[order[0]] = True
