"""Which words the recall probe masks: repeated words of held-out inputs, and where their copies stand."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from nsp_ablation.base.randomness import epoch_key, sample_key, stream


@dataclass(frozen=True)
class RecallTargets:
    """Inputs and the words to mask in them.

    inputs: token ids without special tokens, one array per input; start (I,) int64, each input's first token in the
    store; input (N,) int64 and place (N,) int64: the input that each target stands in, and its token there.
    """

    inputs: list[np.ndarray]
    start: np.ndarray
    input: np.ndarray
    place: np.ndarray

    def expected(self) -> np.ndarray:
        """Return the token (N,) int64 that each target is."""
        tokens = [self.inputs[number][place] for number, place in zip(self.input, self.place, strict=True)]
        return np.array(tokens, dtype=np.int64)


def choose_targets(
    ids: np.ndarray,
    sentence_offsets: np.ndarray,
    document_offsets: np.ndarray,
    room: int,
    is_target: np.ndarray,
    continues_word: np.ndarray,
    targets_per_input: int,
    max_inputs: int | None,
) -> RecallTargets:
    """Pack whole sentences of one document after another into inputs of at most `room` tokens (DOC-SENTENCES), and
    choose up to `targets_per_input` different words in each that stand there twice or more.

    is_target, continues_word (V,) bool: tokens that may be chosen, and tokens that are no word's beginning; a chosen
    word is one token. At most `max_inputs` inputs (all if None) are drawn from those with a target, and stand in the
    store's order. The draws are fixed: all encoders face the same targets.
    """
    ranges = np.array(list(packed_inputs(sentence_offsets, document_offsets, room)), dtype=np.int64).reshape(-1, 2)
    found: list[tuple[int, np.ndarray, list[int]]] = []
    for start, end in ranges[np.argsort(_draws(ranges[:, 0]), kind="stable")]:
        tokens = np.asarray(ids[start:end]).astype(np.int64)
        places = _repeated_words(tokens, _draws(np.arange(start, end)), is_target, continues_word)
        if places:
            found.append((int(start), tokens, places[:targets_per_input]))
        if len(found) == max_inputs:
            break
    found.sort(key=lambda item: item[0])
    chosen = [(number, place) for number, (_, _, places) in enumerate(found) for place in places]
    return RecallTargets(
        inputs=[tokens for _, tokens, _ in found],
        start=np.array([start for start, _, _ in found], dtype=np.int64),
        input=np.array([number for number, _ in chosen], dtype=np.int64),
        place=np.array([place for _, place in chosen], dtype=np.int64),
    )


def packed_inputs(sentence_offsets: np.ndarray, document_offsets: np.ndarray, room: int) -> Iterator[tuple[int, int]]:
    """Yield the token range [start, end) of each input: whole sentences of one document; a longer one is cut."""
    for first, last in zip(document_offsets[:-1], document_offsets[1:], strict=True):
        borders = sentence_offsets[first : last + 1]
        start = int(borders[0])
        for place in range(1, len(borders)):
            if borders[place] - start > room and borders[place - 1] > start:
                yield start, int(borders[place - 1])
                start = int(borders[place - 1])
            while borders[place] - start > room:
                yield start, start + room
                start += room
        if borders[-1] > start:
            yield start, int(borders[-1])


def _draws(positions: np.ndarray) -> np.ndarray:
    """Return 64 random bits for each position in the store."""
    return sample_key(np.full(1, epoch_key(0, stream("recall"), 0)), positions.astype(np.uint64))


def _repeated_words(
    tokens: np.ndarray, draws: np.ndarray, is_target: np.ndarray, continues_word: np.ndarray
) -> list[int]:
    """Return one place of each word that may be chosen and stands in `tokens` twice or more, words in random order."""
    is_whole = ~continues_word[tokens] & ~np.append(continues_word[tokens[1:]], False)
    eligible = np.flatnonzero(is_whole & is_target[tokens])
    counts = np.bincount(tokens[eligible], minlength=len(is_target))
    repeated = eligible[counts[tokens[eligible]] >= 2]
    by_draw = repeated[np.argsort(draws[repeated], kind="stable")]
    _, first = np.unique(tokens[by_draw], return_index=True)
    return [int(by_draw[place]) for place in np.sort(first)]


def continuing_tokens(tokenizer: PreTrainedTokenizerFast) -> tuple[np.ndarray, np.ndarray]:
    """Return (V,) bool twice: tokens that continue a word (WordPiece "##ing"; byte-level BPE "ing" beside "Ġing"),
    and tokens that can be a word (letters alone)."""
    tokens = [token or "" for token in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
    if any(token.startswith("Ġ") for token in tokens):
        continues = [not token.startswith("Ġ") and token[:1].isalnum() for token in tokens]
        words = [token.startswith("Ġ") and token[1:].isalpha() for token in tokens]
    else:
        continues = [token.startswith("##") and token[2:3].isalnum() for token in tokens]
        words = [token.isalpha() for token in tokens]
    return np.array(continues), np.array(words)


def content_words(ids: np.ndarray, is_word: np.ndarray, num_frequent: int) -> np.ndarray:
    """Return (V,) bool: words that are not among the `num_frequent` commonest tokens of `ids`."""
    counts = np.bincount(np.asarray(ids), minlength=len(is_word))
    frequent = np.argsort(-counts, kind="stable")[:num_frequent]
    content = is_word.copy()
    content[frequent] = False
    return content
