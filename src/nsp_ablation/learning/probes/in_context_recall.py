"""In-context recall, a zero-shot probe: does an encoder look a masked word up elsewhere in its input?

A word that stands in an input twice or more is masked once. *Accuracy*: how often it is the top prediction with its
other copies visible. *Recall gain*: its log-probability then, minus that with all its copies masked as well (nats).
Comparing repeated with unrepeated words instead is biased: repeated ones are easier even without their copies.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.probes.masked_positions import MaskedPositions, score_positions
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError, ProbeInputs, documents_of, fixed_draws
from nsp_ablation.learning.tasks.metrics import accuracy_scores, metric_values, standard_error
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.blocks import pack_blocks
from nsp_ablation.text.store.token_store import TokenStore


def measure(model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
    """Measure recall in inputs as of DOC-SENTENCES, [CLS] sentences [SEP].

    Targets are words of `inputs.target_ids`, or without them words of one token that are not among the `num_frequent`
    commonest of the held-out documents. `recall_gain_standard_error` says how sure the gain is, over inputs. The
    metrics `..._in_range` are those of inputs of `short_share` of T (absent where no word is repeated in these), for
    formats that never train late positions. An example is a target, its id the target's position in the store, its
    prediction the word predicted, its cluster its document. Raises NoExamplesError where no word is repeated.
    """
    layout, choose = inputs.layout, _chooser(inputs, task)
    targets = choose(inputs.frame)
    _refuse_none(targets, inputs, task)
    gain, predicted = _gains(model, targets, layout)
    metrics = _metrics(targets, gain, predicted, "")
    if (length := inputs.short_length(task.short_share)) is not None:
        near = choose(replace(inputs.frame, max_length=length))
        metrics |= _metrics(near, *_gains(model, near, layout), "_in_range") if len(near.position) else {}
    in_store = targets.start[targets.input] + targets.position
    example_ids = [str(position) for position in in_store]
    words = [str(inputs.tokenizer.convert_ids_to_tokens(token)) for token in predicted.tolist()]
    items = _items(targets, gain, predicted)
    return Outcome(
        scores=items[task.metric],
        example_ids=example_ids,
        predictions=dict(zip(example_ids, words, strict=True)),
        metrics=metrics,
        clusters=documents_of(inputs.documents(model.config.vocab_size), in_store),
        items=items,
        baselines=_baselines(targets) if task.metric == "accuracy" else Baselines(),
    )


def num_examples(inputs: ProbeInputs, task: TaskOptions) -> int:
    """Return the number of targets. Raises NoExamplesError where no word is repeated."""
    targets = _chooser(inputs, task)(inputs.frame)
    _refuse_none(targets, inputs, task)
    return len(targets.position)


def _chooser(inputs: ProbeInputs, task: TaskOptions) -> Callable[[Frame], "RecallTargets"]:
    """Return what chooses the targets of inputs in a frame."""
    continues_word, is_word = continuing_tokens(inputs.tokenizer)
    store = inputs.documents(len(is_word))
    if inputs.target_ids is None:
        is_target = content_words(store.ids, is_word, task.num_frequent)
    else:
        is_target = np.isin(np.arange(len(is_word)), inputs.target_ids)
    return lambda frame: choose_targets(store, frame, is_target, continues_word, task)


def _refuse_none(targets: "RecallTargets", inputs: ProbeInputs, task: TaskOptions) -> None:
    if not len(targets.position):
        raise NoExamplesError(
            f"tasks.{task.name}: no word stands twice in a held-out input of {inputs.layout.max_length} tokens; raise "
            "corpus.heldout_fraction or max_length, or leave the probe out of tasks"
        )


def _baselines(targets: "RecallTargets") -> Baselines:
    """Chance is one in the number of different targets; majority always gives the commonest of them."""
    counts = np.unique(targets.expected(), return_counts=True)[1]
    return Baselines(1 / len(counts), float(counts.max() / counts.sum()))


def _metrics(targets: "RecallTargets", gain: np.ndarray, predicted: np.ndarray, suffix: str) -> dict[str, float]:
    items = _items(targets, gain, predicted)
    metrics = {f"{name}{suffix}": value for name, value in metric_values(items, items).items()}
    metrics[f"num_targets{suffix}"] = float(len(gain))
    if (error := standard_error(gain, targets.input)) is not None:
        metrics[f"recall_gain_standard_error{suffix}"] = error
    return metrics


def _items(targets: "RecallTargets", gain: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays (N,) that the metrics are means of."""
    return {"accuracy": accuracy_scores(predicted, targets.expected()), "recall_gain": gain}


def _gains(model: PreTrainedModel, targets: "RecallTargets", layout: InputLayout) -> tuple[np.ndarray, np.ndarray]:
    """Return each target's recall gain (N,) float64 and the top prediction (N,) int64 with its copies visible."""
    lengths = np.array([len(targets.inputs[number]) + 2 for number in targets.input])
    asked = MaskedPositions(np.arange(len(lengths)), targets.position + 1, targets.expected())

    def score(masks_copies: bool) -> tuple[np.ndarray, np.ndarray]:
        def make_input(number: int) -> np.ndarray:
            tokens, position = targets.inputs[targets.input[number]].copy(), targets.position[number]
            tokens[tokens == tokens[position] if masks_copies else position] = layout.mask
            return np.array([layout.cls, *tokens, layout.sep])

        return score_positions(model, layout.pad, make_input, lengths, asked)

    (seen, predicted), (unseen, _) = score(masks_copies=False), score(masks_copies=True)
    return seen - unseen, predicted


@dataclass(frozen=True)
class RecallTargets:
    """Inputs and the words to mask in them.

    inputs: token ids without special tokens, one array per input; start (I,) int64, each input's first token in the
    store; input (N,) int64 and position (N,) int64: the input that each target stands in, and its token there.
    """

    inputs: list[np.ndarray]
    start: np.ndarray
    input: np.ndarray
    position: np.ndarray

    def expected(self) -> np.ndarray:
        """Return the token (N,) int64 that each target is."""
        tokens = [self.inputs[number][at] for number, at in zip(self.input, self.position, strict=True)]
        return np.array(tokens, dtype=np.int64)


def choose_targets(
    store: TokenStore, frame: Frame, is_target: np.ndarray, continues_word: np.ndarray, task: TaskOptions
) -> RecallTargets:
    """Choose up to `targets_per_input` different words in each input of DOC-SENTENCES that stand there twice or more.

    is_target, continues_word (V,) bool: tokens that may be chosen, and tokens that are no word's beginning; a chosen
    word is one token. At most `num_inputs` inputs (all if None) are drawn from those with a target, and stand in the
    store's order. The draws are fixed: all encoders face the same targets.
    """
    blocks = pack_blocks(store, frame, order=None, across_documents=False, fingerprint="")
    ranges = np.column_stack([blocks.spans[blocks.offsets[:-1], 0], blocks.spans[blocks.offsets[1:] - 1, 1]])
    found: list[tuple[int, np.ndarray, list[int]]] = []
    for start, end in ranges[np.argsort(fixed_draws("recall", ranges[:, 0]), kind="stable")]:
        tokens = np.asarray(store.ids[start:end]).astype(np.int64)
        draws = fixed_draws("recall", np.arange(start, end))
        positions = _repeated_words(tokens, draws, is_target, continues_word)
        if positions:
            found.append((int(start), tokens, positions[: task.targets_per_input]))
        if len(found) == task.num_inputs:
            break
    found.sort(key=lambda item: item[0])
    chosen = [(number, position) for number, (_, _, positions) in enumerate(found) for position in positions]
    return RecallTargets(
        inputs=[tokens for _, tokens, _ in found],
        start=np.array([start for start, _, _ in found], dtype=np.int64),
        input=np.array([number for number, _ in chosen], dtype=np.int64),
        position=np.array([position for _, position in chosen], dtype=np.int64),
    )


def _repeated_words(
    tokens: np.ndarray, draws: np.ndarray, is_target: np.ndarray, continues_word: np.ndarray
) -> list[int]:
    """Return one position of each word that may be chosen and stands twice or more, words in random order."""
    is_whole = ~continues_word[tokens] & ~np.append(continues_word[tokens[1:]], False)
    eligible = np.flatnonzero(is_whole & is_target[tokens])
    counts = np.bincount(tokens[eligible], minlength=len(is_target))
    repeated = eligible[counts[tokens[eligible]] >= 2]
    by_draw = repeated[np.argsort(draws[repeated], kind="stable")]
    _, first = np.unique(tokens[by_draw], return_index=True)
    return by_draw[np.sort(first)].tolist()


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
