"""Word recall, a zero-shot probe: in-context recall of whole words, whose examples do not depend on the tokenizer.

As in `in_context_recall.py`, a word that stands in an input twice or more is masked once, with its other mentions
visible or masked as well. Here words, texts and draws come from the text that the tokens spell (`word_targets.py`), so
encoders of different tokenizers face the same examples, and their difference is one of pairs. A word of several tokens
has all of them masked, and its log-probability is their sum from left to right, each token given those of the word
before it: that of the whole word by the chain rule, given how many tokens it has, which the number of masks tells.
"""

# N targets

from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.probes.masked_positions import MaskedRuns, score_runs
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs
from nsp_ablation.learning.probes.recall_targets import target_baselines
from nsp_ablation.learning.probes.word_targets import WordText, choose_texts, read_words, words_to_ask_for
from nsp_ablation.learning.tasks.metrics import metric_values, standard_error
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.basic_words import WordReader


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure word recall in inputs [CLS] text [SEP] of whole sentences of one document.

    Words are those of `inputs.target_words`, or without them those of `words_to_ask_for`. `accuracy`: with the other
    mentions visible, each token of the word is the top prediction. `word_gain`: the word's log-probability then, minus
    that with all other mentions masked, nats per word. An example is a target, its id document, sentence, word and its
    number in the sentence; its prediction the tokens predicted, as text; its cluster its document. A text that is too
    long in the encoder's tokens is cut round its target (`num_cut` counts these), and remains an example: that less of
    it can be read is the tokenizer's doing. Raises NoExamplesError where there is none.
    """
    inputs.documents(model.config.vocab_size)
    targets = _targets(inputs, task)
    expected = np.concatenate([target.word_tokens for target in targets])
    (seen, guessed), (unseen, _) = (_scores(model, targets, expected, inputs.layout, hides) for hides in (False, True))
    number = np.repeat(np.arange(len(targets)), [len(target.word_tokens) for target in targets])
    items = {
        "accuracy": (np.bincount(number, guessed != expected) == 0).astype(np.float64),
        "word_gain": np.bincount(number, seen) - np.bincount(number, unseen),
    }
    example_ids, clusters = [target.id for target in targets], [str(target.document) for target in targets]
    decode = inputs.tokenizer.backend_tokenizer.decode
    predicted = [decode(guessed[number == n].tolist()).strip() for n in range(len(targets))]
    metrics = metric_values(items, items) | _counts(targets)
    if (error := standard_error(items["word_gain"], np.array(clusters))) is not None:
        metrics["word_gain_standard_error"] = error
    words = np.array([target.word for target in targets])
    return Outcome(
        scores=items[task.metric],
        example_ids=example_ids,
        predictions=dict(zip(example_ids, predicted, strict=True)),
        metrics=metrics,
        clusters=clusters,
        items=items,
        baselines=target_baselines(words) if task.metric == "accuracy" else Baselines(),
    )


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return the number of targets. Raises NoExamplesError where there is none."""
    return len(_targets(inputs, task))


@dataclass(frozen=True)
class WordTarget:
    """A word in the tokens of a text, ids (L,) int64, of which the word is [start, end); `other` (L,) bool: tokens of
    its other mentions; is_cut: the text goes on beyond the ids."""

    id: str
    document: int
    word: str
    ids: np.ndarray
    start: int
    end: int
    other: np.ndarray
    is_cut: bool

    @property
    def word_tokens(self) -> np.ndarray:
        """The word's tokens (n,) int64."""
        return self.ids[self.start : self.end]


def _targets(inputs: ProbeInputs, task: TaskOptions) -> list[WordTarget]:
    store, reader = inputs.heldout, WordReader(inputs.tokenizer.backend_tokenizer)
    assert store is not None
    documents = read_words(store, reader, task.heldout_words)
    max_words = task.max_words or int(task.words_share * inputs.max_length)
    asked = words_to_ask_for(documents, inputs.target_words, task)
    texts = choose_texts(documents, asked, max_words, task)
    if not texts:
        raise NoExamplesError(
            f"tasks.{task.name}: no word that is asked for stands twice in held-out sentences of {max_words} words "
            f"together; raise corpus.heldout_fraction or tasks.{task.name}.max_words, or leave the probe out of tasks"
        )
    return [target for text in texts for target in _in_tokens(text, store, reader, inputs.layout, task.name)]


def _in_tokens(
    text: WordText, store: TokenStore, reader: WordReader, layout: InputLayout, name: str
) -> list[WordTarget]:
    """Return the targets of a text in its tokens. Raises NoExamplesError for a word that no input can hold."""
    offsets = np.asarray(store.sentence_offsets)
    first = int(offsets[text.sentences[0].number])
    ids = np.asarray(store.ids[first : offsets[text.sentences[-1].number + 1]]).astype(np.int64)
    ranges = []
    for sentence in text.sentences:
        start, end = offsets[sentence.number : sentence.number + 2] - first
        ranges.append(start + reader.word_tokens(ids[start:end]))
    found = []
    for example_id, (word, place, others) in text.targets.items():
        start, end = ranges[place.sentence][place.word].tolist()
        mentions = [ranges[other.sentence][other.word].tolist() for other in others]
        if end - start > layout.capacity:
            raise NoExamplesError(
                f"tasks.{name}: the word {word!r} has {end - start} tokens, and an input of max_length="
                f"{layout.max_length} holds {layout.capacity}: raise max_length, or leave the probe out of tasks"
            )
        low, high = _readable_part(len(ids), (start, end), mentions, layout.capacity)
        other = np.zeros(len(ids), bool)
        for mention in mentions:
            other[slice(*mention)] = True
        other[start:end] = False  # a token of byte-level BPE may hold two Chinese characters that are one word each
        is_cut = (low, high) != (0, len(ids))
        part = ids[low:high], start - low, end - low, other[low:high]
        found.append(WordTarget(example_id, text.document, word, *part, is_cut))
    return found


def _readable_part(length: int, target: tuple[int, int], mentions: list[list[int]], capacity: int) -> tuple[int, int]:
    """Return the tokens [low, high) of a text of `length` that an input holds: all, or `capacity` round the target and
    its nearest mention where both fit, else round the target."""
    if length <= capacity:
        return 0, length
    start, end = target
    nearest = min(mentions, key=lambda mention: max(mention[0] - end, start - mention[1]))
    low, high = min(start, nearest[0]), max(end, nearest[1])
    if high - low > capacity:
        low, high = start, end
    low = max(0, min(low - (capacity - (high - low)) // 2, length - capacity))
    return low, low + capacity


def _scores(
    model: PreTrainedModel, targets: list[WordTarget], expected: np.ndarray, layout: InputLayout, hides_others: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probability float64 and the top prediction int64 of each token of each target, in their order."""
    texts = [np.where(target.other & hides_others, layout.mask, target.ids) for target in targets]
    sizes = [target.end - target.start for target in targets]
    starts = np.concatenate([np.arange(target.start, target.end) for target in targets])
    ends = np.repeat([target.end for target in targets], sizes)
    return score_runs(
        model, layout, texts, MaskedRuns(np.repeat(np.arange(len(targets)), sizes), starts, ends), expected
    )


def _counts(targets: list[WordTarget]) -> dict[str, float]:
    """Return how many targets there are, how many have several tokens, and how many texts are cut."""
    return {
        "num_targets": float(len(targets)),
        "num_split": float(sum(target.end - target.start > 1 for target in targets)),
        "num_cut": float(sum(target.is_cut for target in targets)),
    }
