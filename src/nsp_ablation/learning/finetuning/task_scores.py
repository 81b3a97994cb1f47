"""What a fine-tuned encoder predicts, scored: after training, and between two updates of it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from nsp_ablation.learning.finetuning.finetuning_module import FinetuningModule
from nsp_ablation.learning.finetuning.task_batches import TaskBatches
from nsp_ablation.learning.finetuning.task_inputs import TaskInputs
from nsp_ablation.learning.finetuning.task_model import head_kind
from nsp_ablation.learning.tasks.features import Features, length_batches
from nsp_ablation.learning.tasks.outcome import Outcome
from nsp_ablation.learning.tasks.task_kind import task_kind
from nsp_ablation.options.task_options import TASK_KINDS
from nsp_ablation.options.trainer_options import TrainerOptions

_EVALUATION_TOKENS = 16384  # of one batch without gradients
FOREIGN_CONTEXTS = "foreign_contexts"

Predict = Callable[[Features], dict[str, np.ndarray]]


def scored(inputs: TaskInputs, predict: Predict) -> Outcome:
    """Score the inputs' examples, and where these have contexts, once more on foreign ones: `foreign_contexts` is what
    the encoder scores in the task's metric without the text that is asked about."""
    task = inputs.task
    outcome = _answered(inputs, inputs.scored_examples, predict)
    foreign = None
    if TASK_KINDS[task.kind].has_contexts:
        foreign = task_kind(task).with_foreign_contexts(inputs.scored_examples)
    if foreign is None:
        return outcome
    scores = _answered(inputs, foreign, predict).scores
    metrics = outcome.metrics | {FOREIGN_CONTEXTS: float(scores.mean())}
    return replace(outcome, metrics=metrics, items=outcome.items | {FOREIGN_CONTEXTS: scores})


def _answered(inputs: TaskInputs, examples: list[Any], predict: Predict) -> Outcome:
    """Return how `examples`, which stand for the scored ones, are answered."""
    features = inputs.featurize(examples)
    return _decoded(inputs, examples, features, predict(features))


def _decoded(inputs: TaskInputs, examples: list[Any], features: Features, outputs: dict[str, np.ndarray]) -> Outcome:
    """Return the outcome of the head's outputs on the features of `examples`, which stand for the scored ones."""
    predictions = head_kind(inputs.task).decode(examples, features, outputs)
    return task_kind(inputs.task).score(inputs.scored_examples, predictions, inputs.task)


def predict_after(
    lightning: pl.Trainer, module: FinetuningModule, inputs: TaskInputs, trainer: TrainerOptions
) -> Predict:
    """Return what predicts by a trainer of its own."""
    device = lightning.strategy.root_device

    def predict(features: Features) -> dict[str, np.ndarray]:
        made, order = _batches(features, inputs, module, device, trainer)
        loader = made.loader(0, num_workers=trainer.num_workers, pin_memory=device.type == "cuda")
        batches = lightning.predict(module, loader)
        assert batches is not None
        return _in_order(batches, order)  # type: ignore[arg-type]

    return predict


class EpochScores(pl.Callback):
    """The score of the inputs' examples after each of `steps`, kept in the checkpoints of the training.

    Nothing that follows in the training depends on it: dropout is off meanwhile, and drawn by the micro-batch.
    """

    def __init__(self, inputs: TaskInputs, steps: list[int], trainer: TrainerOptions):
        self.inputs, self.steps, self.trainer = inputs, steps, trainer
        self.features = inputs.featurize(inputs.scored_examples)
        self.scores: dict[int, float] = {}

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if trainer.global_step not in self.steps or trainer.global_step in self.scores:
            return
        assert isinstance(pl_module, FinetuningModule)
        pl_module.eval()
        with torch.no_grad(), trainer.precision_plugin.predict_step_context():
            outputs = self._outputs(pl_module, trainer.strategy.root_device)
        pl_module.train()
        outcome = _decoded(self.inputs, self.inputs.scored_examples, self.features, outputs)
        self.scores[trainer.global_step] = outcome.metrics[self.inputs.task.metric]

    def _outputs(self, module: FinetuningModule, device: torch.device) -> dict[str, np.ndarray]:
        made, order = _batches(self.features, self.inputs, module, device, self.trainer)
        batches = (made[number] for number in range(len(order)))
        return _in_order([module.model.outputs(batch.to(device)) for batch in batches], order)

    def state_dict(self) -> dict[str, Any]:
        return {"scores": self.scores}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.scores = state_dict["scores"]


def _batches(
    features: Features, inputs: TaskInputs, module: FinetuningModule, device: torch.device, trainer: TrainerOptions
) -> tuple[TaskBatches, list[np.ndarray]]:
    encoder = module.model.encoder
    order = list(length_batches(features.lengths(), features.num_tokens, _EVALUATION_TOKENS))
    backend = encoder.backend(device, trainer.precision, dropout=False)
    return TaskBatches(features, inputs.layout, order, partial(encoder.layout_of, backend=backend)), order


def _in_order(batches: Iterable[dict[str, Tensor]], order: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the outputs of batches as arrays (N, ...) in the order of the samples."""
    made, samples = list(batches), np.concatenate(order)
    outputs = {}
    for name in made[0]:
        values = torch.cat([batch[name] for batch in made]).cpu().numpy()
        outputs[name] = np.empty_like(values)
        outputs[name][samples] = values
    return outputs
