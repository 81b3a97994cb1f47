"""What a probe is: a module of this package with `measure`, and what it is given."""

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import MIN_MAX_LENGTH, InputLayout
from nsp_ablation.base.randomness import epoch_key, sample_key, stream
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore


@dataclass(frozen=True)
class ProbeInputs:
    """All that probes ask for; each takes what it needs. Single inputs have token type 0 throughout.

    layout, frame: special tokens of the encoder's tokenizer, of T tokens at most
    max_length: the configuration's T, which an encoder with fewer positions does not reach
    heldout: the held-out documents in the encoder's tokens; None for a probe that does not read them
    target_words: the words that the corpus tells facts by (the micro-world's); None: it names none
    target_ids: ids of those of them that are one token
    seed: of whatever must be equal for all arms
    """

    layout: InputLayout
    frame: Frame
    tokenizer: PreTrainedTokenizerFast
    max_length: int
    heldout: TokenStore | None
    target_words: tuple[str, ...] | None
    target_ids: np.ndarray | None
    seed: int

    def documents(self, vocab_size: int) -> TokenStore:
        """Return the held-out documents. Raises InputError where their ids exceed the encoder's vocabulary."""
        assert self.heldout is not None, "the pipeline refuses a corpus that holds nothing out"
        if self.heldout.num_tokens and int(np.max(self.heldout.ids)) >= vocab_size:
            raise InputError("the encoder has another vocabulary than the held-out documents' tokenizer")
        return self.heldout

    def in_range_length(self, task: TaskOptions) -> int | None:
        """Return the tokens of inputs that are in range of every arm: `in_range_tokens` of the plan where it is set,
        else a share of `max_length`, at least 8, or None where the share is 0."""
        if task.in_range_tokens is not None:
            return min(task.in_range_tokens, self.layout.max_length)
        if task.short_share == 0:
            return None
        return min(max(MIN_MAX_LENGTH, int(task.short_share * self.max_length)), self.layout.max_length)


class NoExamplesError(InputError):
    """Inputs of which a probe can make no example."""


class Probe(Protocol):
    """The module of a probe. One that reads files has `check_files(task)` and `contexts(task)` too."""

    def measure(self, model: PreTrainedModel, inputs: ProbeInputs, task: TaskOptions) -> Outcome:
        """Probe a model with an MLM head, in evaluation mode. Raises NoExamplesError where there is no example."""

    def num_examples(self, inputs: ProbeInputs, task: TaskOptions) -> int:
        """Return how many examples `measure` would have. Raises NoExamplesError where it has none.

        It is asked before an encoder is trained, which would be trained in vain.
        """

    def check_files(self, task: TaskOptions) -> None:
        """Raise InputError where the task's files cannot be read."""

    def contexts(self, task: TaskOptions) -> list[str]:
        """Return the different texts of the task's files, of which the corpus should hold none."""


def probe_of(task: TaskOptions) -> Probe:
    """Return the probe that a task asks for."""
    facts = TASK_KINDS[task.kind]
    assert facts.is_probe, f"tasks.{task.name}.kind={task.kind} is fine-tuned"
    return cast(Probe, import_module(facts.module))


def documents_of(store: TokenStore, tokens: np.ndarray) -> list[str]:
    """Return the cluster of each token (N,) of a store, by its position: the number of its document, as text."""
    borders = np.asarray(store.sentence_offsets)[np.asarray(store.document_offsets)]
    return [str(number) for number in np.searchsorted(borders, tokens, side="right") - 1]


def fixed_draws(name: str, positions: np.ndarray) -> np.ndarray:
    """Return 64 random bits (N,) uint64 for each position (N,) in the store, the same in every run."""
    return sample_key(np.full(1, epoch_key(0, stream(name), 0)), positions.astype(np.uint64))
