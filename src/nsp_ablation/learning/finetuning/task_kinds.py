"""The kinds of fine-tuned tasks: how each makes features, a head, answers and scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn
from transformers import PreTrainedTokenizerFast

from nsp_ablation.learning.engine.encoder_directory import InputLayout
from nsp_ablation.learning.finetuning import classification, multiple_choice, span_qa
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.scored import Scored
from nsp_ablation.learning.tasks.task_spec import TaskSpec


@dataclass(frozen=True)
class TaskKind:
    """featurize(examples, tokenizer, layout), build_head(hidden size), score(examples, features, outputs), where
    outputs are the head's over all samples, (N,) each."""

    featurize: Callable[[Any, PreTrainedTokenizerFast, InputLayout], Features]
    build_head: Callable[[int], nn.Module]
    score: Callable[[Any, Features, dict[str, np.ndarray]], Scored]


def task_kind(spec: TaskSpec) -> TaskKind:
    """Return the kind of a task that is fine-tuned. Raises ValueError for another."""
    if spec.kind == "span_qa":
        return TaskKind(
            lambda examples, tokenizer, layout: span_qa.featurize(examples, tokenizer, layout, spec.unanswerable),
            lambda hidden_size: span_qa.SpanHead(hidden_size, spec.unanswerable),
            lambda examples, features, outputs: span_qa.score(
                examples, span_qa.decode(examples, features, outputs), spec.unanswerable
            ),
        )
    if spec.kind == "classification":
        return TaskKind(
            classification.featurize,
            lambda hidden_size: classification.ClassificationHead(hidden_size, len(spec.labels)),
            lambda examples, features, outputs: classification.score(examples, outputs["label"], spec.labels),
        )
    if spec.kind == "multiple_choice":
        return TaskKind(
            multiple_choice.featurize,
            multiple_choice.MultipleChoiceHead,
            lambda examples, features, outputs: multiple_choice.score(examples, outputs["label"]),
        )
    raise ValueError(f"tasks.{spec.name}.kind={spec.kind} is not fine-tuned; use a zero-shot probe")
