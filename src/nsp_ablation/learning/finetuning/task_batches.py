"""Batches of a task as flat tensors; batch k is a pure function of k, whoever reads and wherever reading starts."""

# B samples, S sequences, L tokens

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nsp_ablation.base.data_workers import data_workers
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.flat_encoder import EncoderLayout, FlatInputs, map_tensors
from nsp_ablation.learning.tasks.features import Features

# offsets (S + 1,) int64 on CPU, the longest sequence's tokens -> what the encoder needs to know of them
MakeLayout = Callable[[Tensor, int], EncoderLayout]


@dataclass(frozen=True, eq=False)
class OptionSlots:
    """Where the sequences of questions lie in a table of a row per question and a column per option.

    `slots` (S,) int64: the slot of each sequence, slots counted row by row; None where all questions have
    `num_columns` options, so that the sequences fill the table.
    """

    num_columns: int
    slots: Tensor | None


@dataclass(frozen=True, eq=False)
class TaskBatch:
    """Some samples of one update, which may be none.

    targets, by name, each (B, ...)
    num_targets: how many samples of the whole update have each target (are not -100), so that sums of losses over
        micro-batches, divided by it, add up to the update's mean
    options: for multiple choice
    """

    inputs: FlatInputs
    layout: EncoderLayout
    targets: dict[str, Tensor]
    num_targets: dict[str, int]
    options: OptionSlots | None

    def to(self, device: Any) -> "TaskBatch":
        """Return this batch on `device`; nobody waits for page-locked tensors to arrive."""
        return map_tensors(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "TaskBatch":
        """Return this batch in page-locked memory (called by DataLoader)."""
        return map_tensors(self, torch.Tensor.pin_memory)

    def share(self, summed: Tensor, target: str) -> Tensor:
        """Return a sum over this batch's samples as its part of the update's mean over those with the target."""
        return summed / max(1, self.num_targets[target])


@dataclass(frozen=True)
class BatchCut:
    """Every batch is cut into `num_parts` micro-batches, the last ones of which may be empty.

    A micro-batch takes samples until it holds the batch's tokens divided by `at_least`, and never more than
    `max_tokens` (None: no limit).
    """

    num_parts: int = 1
    at_least: int = 1
    max_tokens: int | None = None

    def borders(self, num_tokens: np.ndarray) -> list[int]:
        """Return the first sample of each micro-batch that is not empty; num_tokens (B,) of a batch's samples."""
        ends = np.cumsum(num_tokens)
        share = -(-int(ends[-1]) // self.at_least)
        borders, done = [0], 0
        while True:
            last = int(np.searchsorted(ends, done + share))
            if self.max_tokens is not None:
                last = min(last, int(np.searchsorted(ends, done + self.max_tokens, side="right")) - 1)
            if last >= len(ends) - 1:
                return borders
            borders.append(last + 1)
            done = int(ends[last])

    def part(self, num_tokens: np.ndarray, number: int) -> slice:
        """Return the samples of one of the micro-batches."""
        borders = self.borders(num_tokens)
        return slice(*[*borders, *[len(num_tokens)] * (self.num_parts + 1)][number : number + 2])


def cut_batches(
    num_tokens: np.ndarray, order: list[np.ndarray], max_tokens: int | None, at_least: int, task: str
) -> BatchCut:
    """Return the cut of batches of samples into as few micro-batches as `max_tokens` allows, and `at_least` so many.

    num_tokens (N,) are those of each sample, which is never cut. Raises InputError where one alone exceeds the limit.
    """
    if max_tokens is not None and (longest := int(num_tokens.max())) > max_tokens:
        raise InputError(
            f"trainer.max_tokens={max_tokens}: an example of {task} has {longest} tokens (with all of its options); "
            f"set it to at least {longest}"
        )
    cut = BatchCut(at_least=at_least, max_tokens=max_tokens)
    if at_least == 1 and (max_tokens is None or max(int(num_tokens[batch].sum()) for batch in order) <= max_tokens):
        return cut
    return replace(cut, num_parts=max(at_least, *(len(cut.borders(num_tokens[batch])) for batch in order)))


@dataclass(frozen=True, eq=False)
class TaskBatches(Dataset):
    """The micro-batches of all batches of `order`: of n parts each, number k is part k mod n of batch k div n."""

    features: Features
    input_layout: InputLayout
    order: list[np.ndarray]
    make_layout: MakeLayout
    cut: BatchCut = BatchCut()

    def __getitem__(self, number: int) -> TaskBatch:
        step, part = divmod(number, self.cut.num_parts)
        update = self.order[step]
        if self.cut.num_parts == 1:
            return self._make(update, update)
        return self._make(update[self.cut.part(self.features.num_tokens[update], part)], update)

    def _make(self, samples: np.ndarray, update: np.ndarray) -> TaskBatch:
        features = self.features
        arrays = features.batch(samples, self.input_layout)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        offsets = tensors["sequence_offsets"]
        inputs = FlatInputs(tensors["input_ids"], tensors.get("token_type_ids"), tensors["position_ids"], offsets)
        return TaskBatch(
            inputs=inputs,
            layout=self.make_layout(offsets, features.longest),
            targets={name: tensors[name] for name in features.targets},
            num_targets=features.num_targets(update),
            options=option_slots(arrays["num_options"]) if "num_options" in arrays else None,
        )

    def loader(self, first_batch: int, *, num_workers: int, pin_memory: bool) -> DataLoader:
        """Return the loader of the batches from `first_batch` on. What it yields does not depend on `num_workers`."""
        return DataLoader(
            self,
            batch_size=None,
            sampler=range(first_batch * self.cut.num_parts, len(self.order) * self.cut.num_parts),
            pin_memory=pin_memory,
            **data_workers(num_workers),
        )


def at_least_single(tensor: Tensor) -> Tensor:
    """Return half precision as float32, in which losses are summed, and all else as it is."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def option_slots(num_options: np.ndarray) -> OptionSlots:
    """Return the slots of the sequences of questions with num_options (B,) int64."""
    num_columns = int(num_options.max(initial=1))
    if bool((num_options == num_columns).all()):
        return OptionSlots(num_columns, None)
    before = np.cumsum(num_options) - num_options  # sequences of earlier questions
    shift = np.arange(len(num_options)) * num_columns - before
    return OptionSlots(num_columns, torch.from_numpy(np.arange(num_options.sum()) + np.repeat(shift, num_options)))
