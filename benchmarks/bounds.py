"""What any implementation must do at least: loops that only read and write what an index or a masked batch holds."""

import numpy as np
from numba import njit

from nsp_ablation.base.process import num_cores
from nsp_ablation.samples.formats.kernels.ranges import side_by_side


def write_pair_spans(num_sentences: int) -> None:
    """Write two spans a sentence into fresh memory, on all cores, as an index of sentence pairs must."""
    spans = np.empty((2 * num_sentences, 2), np.int64)
    side_by_side(lambda first, end: _write_spans(spans, first, end), _parts(num_sentences))


def read_random_sentences(sentence_offsets: np.ndarray) -> None:
    """Read the borders of a random sentence for half of the sentences, on all cores, as NSP must."""
    num_sentences = len(sentence_offsets) - 1
    side_by_side(lambda first, end: _read_random(sentence_offsets, first, end), _parts(num_sentences))


@njit(nogil=True)
def gather_and_mask(ids, starts, ends, mask_id, vocab_size, input_ids, labels):
    """Copy the ids [start, end) of each sample and mask each with p = .15; return the tokens written.

    The plainest loop: no exact count, no special tokens, segments or positions, nothing but ids and labels.
    """
    n = 0
    chosen, masked, random = np.uint64(0.15 * 2**32), np.uint64(820), np.uint64(922)
    for sample in range(len(starts)):
        for place in range(starts[sample], ends[sample]):
            bits = _mixed(np.uint64(place))
            action, token = bits & np.uint64(1023), np.int64(ids[place])
            drawn = np.int64(((bits >> np.uint64(10)) & np.uint64(0x3FFFFF)) * np.uint64(vocab_size) >> np.uint64(22))
            is_target = (bits >> np.uint64(32)) < chosen
            labels[n] = token if is_target else -100
            replaced = mask_id if action < masked else (drawn if action < random else token)
            input_ids[n] = replaced if is_target else token
            n += 1
    return n


def _parts(number: int) -> list[tuple[int, int]]:
    """Cut [0, number) in one part for each core."""
    borders = [number * part // num_cores() for part in range(num_cores() + 1)]
    return list(zip(borders[:-1], borders[1:], strict=True))


@njit(nogil=True)
def _write_spans(spans, first, end):
    for i in range(first, end):
        spans[2 * i, 0], spans[2 * i, 1], spans[2 * i + 1, 0], spans[2 * i + 1, 1] = i, i + 1, i + 1, i + 2


@njit(nogil=True)
def _read_random(sentence_offsets, first, end):
    total, num_sentences = np.int64(0), np.uint64(len(sentence_offsets) - 1)
    for i in range(first, end):
        bits = _mixed(np.uint64(i))
        if bits & np.uint64(1):
            j = (bits >> np.uint64(32)) * num_sentences >> np.uint64(32)
            total += sentence_offsets[j] + sentence_offsets[j + np.uint64(1)]
    return total


@njit
def _mixed(bits):
    """Mix 64 bits more cheaply, and worse, than `randomness.mix64`: a bound should cost as little as can be."""
    bits *= np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return bits ^ (bits >> np.uint64(32))
