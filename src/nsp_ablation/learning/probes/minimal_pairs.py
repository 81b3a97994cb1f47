"""Minimal pairs (BLiMP, Warstadt et al. 2020), zero-shot: does an encoder find the sound sentence likelier?

A sentence's score is its pseudo-log-likelihood (Salazar et al. 2020): each of its tokens is masked in turn, and the
log-probabilities of the tokens are added up.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.probes.masked_positions import MaskedPositions, score_positions
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

    Inputs are [CLS] sentence [SEP]. Scores are 1, .5 or 0, by pair; a prediction is the good sentence's
    pseudo-log-likelihood less the bad one's, in nats. `accuracy_<phenomenon>` stands beside `accuracy`; a paradigm's
    pairs are a cluster. Raises NoExamplesError for a sentence that is empty or longer than T allows.
    """
    pairs = read_minimal_pairs(task)
    sentences = _encoded(pairs, inputs, task.name)
    good, bad = np.reshape(pseudo_log_likelihoods(model, sentences, inputs.layout), (-1, 2)).T
    scores = np.where(good == bad, 0.5, good > bad)
    phenomena = np.array([pair.phenomenon for pair in pairs])
    items = {"accuracy": scores}
    items |= {f"accuracy_{one}": np.where(phenomena == one, scores, np.nan) for one in sorted({*phenomena.tolist()})}
    metrics = metric_values(items, items) | {"num_pairs": float(len(pairs))}
    example_ids, clusters = [pair.id for pair in pairs], [pair.paradigm for pair in pairs]
    predictions = dict(zip(example_ids, (good - bad).tolist(), strict=True))
    return Outcome(scores, example_ids, predictions, metrics, clusters, items, Baselines(chance=0.5))


def _encoded(pairs: list[MinimalPair], inputs: ProbeInputs, name: str) -> list[np.ndarray]:
    """Return the ids of the good and the bad sentence of each pair, in turns."""
    layout, texts = inputs.layout, [text for pair in pairs for text in (pair.good, pair.bad)]
    encodings = inputs.tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    sentences = [np.array(encoding.ids, np.int64) for encoding in encodings]
    for number, sentence in enumerate(sentences):
        if not 0 < len(sentence) <= layout.capacity:
            raise NoExamplesError(
                f"tasks.{name}: a sentence of pair {pairs[number // 2].id} has {len(sentence)} tokens; an input of "
                f"max_length={layout.max_length} holds 1 to {layout.capacity}: raise max_length or mend the pair"
            )
    return sentences


def pseudo_log_likelihoods(model: PreTrainedModel, sentences: list[np.ndarray], layout: InputLayout) -> np.ndarray:
    """Return the pseudo-log-likelihood (n,) float64 of each sentence's token ids (L,), in nats."""
    counts = np.array([len(sentence) for sentence in sentences])
    sentence_of = np.repeat(np.arange(len(sentences)), counts)
    position = 1 + np.arange(len(sentence_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    asked = MaskedPositions(np.arange(len(sentence_of)), position, np.concatenate(sentences))

    def make_input(number: int) -> np.ndarray:
        row = np.array([layout.cls, *sentences[sentence_of[number]], layout.sep])
        row[position[number]] = layout.mask
        return row

    log_probability, _ = score_positions(model, layout.pad, make_input, counts[sentence_of] + 2, asked)
    return np.bincount(sentence_of, log_probability, len(sentences))


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
