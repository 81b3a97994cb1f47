"""Minimal pairs (BLiMP, Warstadt et al. 2020), zero-shot: does an encoder find the sound sentence likelier?

A sentence's score is its pseudo-log-likelihood (PLL, Salazar et al. 2020): each of its tokens is masked in turn, and
the log-probabilities of the tokens are added up. A word of several tokens is then too likely, since its other tokens
tell each of them: PLL-word-l2r (Kauf and Ivanova 2023) masks the tokens to its right in the same word, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.probes.masked_positions import MaskedRuns, score_runs
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs
from nsp_ablation.learning.tasks.examples import MinimalPair
from nsp_ablation.learning.tasks.metrics import metric_values
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.task_files import hub_configs, load_hub_rows, read_json_lines, split_files
from nsp_ablation.options.task_options import TaskOptions

_LAYOUT = "texts sentence_good, sentence_bad, UID and linguistics_term, and a pairID"


def check_files(task: TaskOptions) -> None:
    """Read every pair once. Raises InputError naming file and line of a mistake."""
    read_minimal_pairs(task)


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return the number of pairs. Raises NoExamplesError for a sentence that no input can hold."""
    pairs = read_minimal_pairs(task)
    _encoded(pairs, inputs, task.name)
    return len(pairs)


def contexts(task: TaskOptions) -> list[str]:
    """Return the different sentences."""
    return list(dict.fromkeys(text for pair in read_minimal_pairs(task) for text in (pair.good, pair.bad)))


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure how often the encoder prefers the good sentence; a tie counts half, so chance is .5.

    Inputs are [CLS] sentence [SEP]. Scores are 1, .5 or 0, by pair, by PLL; `accuracy_word_l2r` are those by
    PLL-word-l2r, which differ where words are split. A prediction is the good sentence's PLL less the bad one's, in
    nats, by either. `accuracy_<phenomenon>` stands beside `accuracy`; a paradigm's pairs are a cluster. Raises
    NoExamplesError for a sentence that is empty or longer than T allows.
    """
    pairs = read_minimal_pairs(task)
    sentences = _encoded(pairs, inputs, task.name)
    good, bad = likelihoods(model, sentences, inputs.layout).reshape(2, -1, 2).transpose(2, 0, 1)
    differences = good - bad
    scores, by_word = np.where(differences == 0, 0.5, differences > 0)
    phenomena = np.array([pair.phenomenon for pair in pairs])
    items = {"accuracy": scores, "accuracy_word_l2r": by_word}
    items |= {f"accuracy_{one}": np.where(phenomena == one, scores, np.nan) for one in sorted({*phenomena.tolist()})}
    num_split = sum(sentence.is_split for sentence in sentences)
    example_ids, clusters = [pair.id for pair in pairs], [pair.paradigm for pair in pairs]
    predictions = dict(zip(example_ids, differences.T.tolist(), strict=True))
    metrics = metric_values(items, items) | {"num_pairs": float(len(pairs)), "num_split_sentences": float(num_split)}
    return Outcome(scores, example_ids, predictions, metrics, clusters, items, Baselines(chance=0.5))


@dataclass(frozen=True)
class EncodedSentence:
    """A sentence's token ids (L,) int64 and the end of each token's word (L,) int64, `[token, end)` being what is left
    of it; the words are those of the tokenizer's own pre-tokenization."""

    ids: np.ndarray
    word_end: np.ndarray

    @property
    def is_split(self) -> bool:
        """Whether a word has several tokens."""
        return bool((self.word_end > np.arange(1, len(self.ids) + 1)).any())


def encode_sentence(encoding: Any) -> EncodedSentence:
    """Return a sentence of a tokenizer's encoding without special tokens."""
    words = np.array([-1 - number if word is None else word for number, word in enumerate(encoding.word_ids)])
    ends = np.append(np.flatnonzero(np.diff(words)) + 1, len(words))
    return EncodedSentence(
        np.array(encoding.ids, np.int64), ends[np.searchsorted(ends, np.arange(len(words)), "right")]
    )


def _encoded(pairs: list[MinimalPair], inputs: ProbeInputs, name: str) -> list[EncodedSentence]:
    """Return the good and the bad sentence of each pair, in turns."""
    layout, texts = inputs.layout, [text for pair in pairs for text in (pair.good, pair.bad)]
    encodings = inputs.tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
    for number, encoding in enumerate(encodings):
        if not 0 < len(encoding.ids) <= layout.capacity:
            raise NoExamplesError(
                f"tasks.{name}: a sentence of pair {pairs[number // 2].id} has {len(encoding.ids)} tokens; an input of "
                f"max_length={layout.max_length} holds 1 to {layout.capacity}: raise max_length or mend the pair"
            )
    return [encode_sentence(encoding) for encoding in encodings]


def likelihoods(model: PreTrainedModel, sentences: list[EncodedSentence], layout: InputLayout) -> np.ndarray:
    """Return the PLL and the PLL-word-l2r (2, n) float64 of each sentence, in nats.

    They share all inputs but those of tokens with others of their word to the right.
    """
    counts = np.array([len(sentence.ids) for sentence in sentences])
    sentence_of = np.repeat(np.arange(len(sentences)), counts)
    token = np.arange(len(sentence_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    word_end = np.concatenate([sentence.word_end for sentence in sentences])
    more = np.flatnonzero(word_end > token + 1)
    sentence_of, first = np.append(sentence_of, sentence_of[more]), np.append(token, token[more])
    last = np.append(token + 1, word_end[more])  # of the tokens that are masked together
    ids = [sentence.ids for sentence in sentences]
    expected = np.concatenate(ids)
    runs = MaskedRuns(sentence_of, first, last)
    found, _ = score_runs(model, layout, ids, runs, np.append(expected, expected[more]))
    plain, by_word = found[: len(token)], found[: len(token)].copy()
    by_word[more] = found[len(token) :]
    return np.stack([np.bincount(sentence_of[: len(token)], one, len(sentences)) for one in (plain, by_word)])


def read_minimal_pairs(task: TaskOptions) -> list[MinimalPair]:
    """Read every pair: of the JSON lines of `task.path`, by file name, else of every configuration of `task.hub`.

    Raises InputError naming file and line where a pair is malformed, nothing is found, or an id occurs twice.
    """
    pairs: dict[str, MinimalPair] = {}
    for location, row in _hub_rows(task) if task.path is None else _file_rows(task):
        pair = _pair(location, row)
        if pair.id in pairs:
            raise InputError(f"{location}: pair {pair.id} occurs twice")
        pairs[pair.id] = pair
    if not pairs:
        raise InputError(f"tasks.{task.name}: no pairs in {task.path or task.hub}")
    return list(pairs.values())


def _file_rows(task: TaskOptions) -> Iterator[tuple[str, Any]]:
    for path in split_files(task, "dev"):
        for number, row in read_json_lines(path):
            yield f"{path}: line {number}", row


def _hub_rows(task: TaskOptions) -> Iterator[tuple[str, Any]]:
    if task.hub is None:
        raise InputError(f"tasks.{task.name} has neither path nor hub; set tasks.{task.name}.path=DIR")
    for name in [task.hub.name] if task.hub.name else hub_configs(task.name, task.hub):
        for number, row in enumerate(load_hub_rows(task.name, task.hub, task.hub.split, name)):
            yield f"{task.hub.path} {name}: row {number}", row


def _pair(location: str, row: Any) -> MinimalPair:
    values = row if isinstance(row, dict) else {}
    number = "pairID" if "pairID" in values else "pair_id"  # the files' name and the hub's
    for name in ("UID", number, "sentence_good", "sentence_bad", "linguistics_term"):
        if not isinstance(values.get(name), str if name != number else str | int):
            raise InputError(f"{location}: {name} is {values.get(name)!r}; a row of BLiMP has {_LAYOUT}")
    sentences = values["sentence_good"], values["sentence_bad"]
    paradigm = values["UID"]
    return MinimalPair(f"{paradigm}-{values[number]}", *sentences, values["linguistics_term"], paradigm)
