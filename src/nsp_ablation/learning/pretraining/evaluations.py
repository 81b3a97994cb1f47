"""Evaluations on the way: what callables measure after some updates, while the training waits and stays as it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import nn

from nsp_ablation.learning.engine.resume import ends_update
from nsp_ablation.learning.engine.training_device import generators_kept
from nsp_ablation.learning.engine.training_processes import waiting_group
from nsp_ablation.learning.pretraining.pretraining_module import PretrainingModule

Measured = dict[int, dict[str, float]]  # by update and metric


@dataclass(frozen=True)
class Evaluations:
    """After each of `updates`, `measure(update)` returns values by metric; the model is then in evaluation mode."""

    updates: frozenset[int]
    measure: Callable[[int], dict[str, float]]


NO_EVALUATIONS = Evaluations(frozenset(), lambda update: {})


class EvaluateAt(pl.Callback):
    """Measure after some updates, on the first rank; the others wait as long as it takes.

    Training goes on as if nothing had been measured: modules are in the mode that they had, torch's generators where
    they were, and the time is none of the training loop's. What was `found` is part of a checkpoint.
    """

    def __init__(self, asked: Evaluations) -> None:
        self.asked = asked
        self.found: Measured = {}
        self._waiting: Any = None

    def state_dict(self) -> dict[str, Any]:
        return {"found": {update: dict(values) for update, values in self.found.items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.found = state_dict["found"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.asked.updates and trainer.world_size > 1:
            self._waiting = waiting_group()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        update, module = trainer.global_step, cast(PretrainingModule, pl_module)
        if update not in self.asked.updates or not ends_update(trainer):
            return
        started = time.monotonic()
        if trainer.is_global_zero:
            with _evaluating(module.model), generators_kept(module.device):
                self.found[update] = values = self.asked.measure(update)
            if trainer.logger is not None:
                trainer.logger.log_metrics({f"evaluation/{name}": value for name, value in values.items()}, update)
        if self._waiting is not None:
            torch.distributed.barrier(self._waiting)
        module.pause(time.monotonic() - started)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Inside, no dropout and no gradients; afterwards each module is in the mode that it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
