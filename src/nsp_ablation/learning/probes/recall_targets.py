"""The words that in-context recall masks, and the inputs that it masks them in."""

# N targets

from dataclasses import dataclass, replace

import numpy as np
from transformers import PreTrainedTokenizerFast

from nsp_ablation.base.input_layout import MIN_MAX_LENGTH
from nsp_ablation.learning.probes.laid_out_store import PAIR_TOKENS
from nsp_ablation.learning.probes.probe_inputs import fixed_draws
from nsp_ablation.learning.tasks.outcome import Baselines
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.blocks import pack_blocks
from nsp_ablation.text.store.token_store import TokenStore

_NONE = -1


@dataclass(frozen=True)
class Windows:
    """Texts [start, end) of N targets and where B begins in each, all (N,) int64 in tokens of the store; `start` is -1
    of a target without such a text, `border` where no sentence border parts it from an earlier mention."""

    start: np.ndarray
    end: np.ndarray
    border: np.ndarray


@dataclass(frozen=True)
class RecallTargets:
    """N words of one token that stand in their input twice or more: each one's position (N,) int64 in the store.

    long: whole sentences of one document, as of DOC, that hold both forms of an input of T tokens; near: the same of
    the tokens that are in range, round the target and its nearest earlier mention.
    """

    position: np.ndarray
    long: Windows
    near: Windows

    def of(self, kept: np.ndarray) -> "RecallTargets":
        """Return the targets that are `kept` (N,) bool."""
        windows = [Windows(*(values[kept] for values in vars(one).values())) for one in (self.long, self.near)]
        return RecallTargets(self.position[kept], *windows)


def choose_targets(
    store: TokenStore,
    frame: Frame,
    in_range_tokens: int | None,
    is_target: np.ndarray,
    continues_word: np.ndarray,
    task: TaskOptions,
) -> RecallTargets:
    """Choose up to `targets_per_input` different words in each block of DOC that stand there twice or more.

    is_target, continues_word (V,) bool: tokens that may be chosen, and tokens that are no word's beginning; a chosen
    word is one token. Of its occurrences one is drawn of those whose nearest earlier mention, in an earlier sentence,
    is in range, else of those with such a mention, else of all. At most `num_inputs` blocks (all if None) are drawn
    from those with a target, and stand in the store's order. The draws are fixed: all encoders face the same targets.
    """
    room = replace(frame, max_length=max(MIN_MAX_LENGTH, frame.max_length - PAIR_TOKENS + 2), sentence_separator=False)
    spans = np.asarray(pack_blocks(store, room, order=None, across_documents=False, fingerprint="").spans)
    lengths = frame.max_length, in_range_tokens or frame.max_length
    pair_capacity, capacity = (length - PAIR_TOKENS for length in lengths)
    offsets = np.asarray(store.sentence_offsets)
    found: list[list[tuple[int, ...]]] = []
    for start, end in spans[np.argsort(fixed_draws("recall", spans[:, 0]), kind="stable")]:
        inner = offsets[np.searchsorted(offsets, start, "right") : np.searchsorted(offsets, end, "left")]
        block = _Block(np.asarray(store.ids[start:end]).astype(np.int64), np.concatenate([[start], inner, [end]]))
        fits = end - start <= pair_capacity
        targets = block.targets(is_target, continues_word, capacity, fits)[: task.targets_per_input]
        if targets:
            found.append(targets)
        if len(found) == task.num_inputs:
            break
    rows = np.array(sorted(row for targets in found for row in targets), np.int64).reshape(-1, 7)
    return RecallTargets(rows[:, 0], Windows(*rows[:, 1:4].T), Windows(*rows[:, 4:].T))


@dataclass(frozen=True)
class _Block:
    """A block's tokens (L,) int64 and the borders of its sentences (S + 1,) int64 in tokens of the store, the first and
    the last of which are its own."""

    tokens: np.ndarray
    borders: np.ndarray

    def targets(
        self, is_target: np.ndarray, continues_word: np.ndarray, capacity: int, fits_pair: bool
    ) -> list[tuple[int, ...]]:
        """Return a row per word that may be chosen and stands twice or more, in random order: its position, and start,
        end and border of the long window (none unless the block `fits_pair`) and of the near one."""
        start, tokens = int(self.borders[0]), self.tokens
        is_whole = ~continues_word[tokens] & ~np.append(continues_word[tokens[1:]], False)
        eligible = np.flatnonzero(is_whole & is_target[tokens])
        words, counts = np.unique(tokens[eligible], return_counts=True)
        draws = fixed_draws("recall", np.arange(start, start + len(tokens)))
        rows = []
        for word in words[counts >= 2]:
            places = eligible[tokens[eligible] == word]
            rows.append((int(draws[places].min()), self._row(places + start, draws[places], capacity, fits_pair)))
        return [row for _, row in sorted(rows)]

    def _row(self, places: np.ndarray, draws: np.ndarray, capacity: int, fits_pair: bool) -> tuple[int, ...]:
        """Return the row of the word that stands at `places` (n,), ascending."""
        borders = self.borders
        sentence = np.searchsorted(borders, places, side="right") - 1
        # of each occurrence the last one in an earlier sentence, or none
        mention = np.searchsorted(sentence, sentence, side="left") - 1
        has_mention = mention >= 0
        first = np.where(has_mention, sentence[np.maximum(mention, 0)], sentence)
        is_near = has_mention & (borders[sentence + 1] - borders[first] <= capacity)
        chosen = min(range(len(places)), key=lambda n: (not is_near[n], not has_mention[n], int(draws[n])))
        place, own = int(places[chosen]), int(sentence[chosen])
        long = (int(borders[0]), int(borders[-1]))
        is_pair = fits_pair and bool(has_mention[chosen])
        border = self._border(0, len(borders) - 1, int(sentence[0]), own) if is_pair else _NONE
        near = (_NONE, _NONE, _NONE)
        if is_near[chosen]:
            low, high = self._widened(int(first[chosen]), own + 1, capacity)
            near = (int(borders[low]), int(borders[high]), self._border(low, high, int(first[chosen]), own))
        return (place, *long, border, *near)

    def _widened(self, low: int, high: int, capacity: int) -> tuple[int, int]:
        """Return sentences [low, high) with as many before them, then after them, as `capacity` tokens hold."""
        borders = self.borders
        while low > 0 and borders[high] - borders[low - 1] <= capacity:
            low -= 1
        while high < len(borders) - 1 and borders[high + 1] - borders[low] <= capacity:
            high += 1
        return low, high

    def _border(self, low: int, high: int, mention: int, own: int) -> int:
        """Return where B begins: the border nearest to the middle of sentences [low, high), the earlier of two, that
        leaves the sentence `mention` in A and the sentence `own` in B."""
        candidates = self.borders[mention + 1 : own + 1]
        middle = self.borders[low] + self.borders[high]
        return int(candidates[np.abs(2 * candidates - middle).argmin()])


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


def target_baselines(expected: np.ndarray) -> Baselines:
    """Return the accuracy of guesses among the targets (N,): chance is one in the number of different ones; majority
    always gives the commonest of them."""
    counts = np.unique(expected, return_counts=True)[1]
    return Baselines(1 / len(counts), float(counts.max() / counts.sum()))
