"""Samples as indexable data sets of torch, padded batch by batch: for who trains with the Trainer of `transformers`.

Nothing here has a state that an epoch changes (`set_epoch`): an item is a pure function of its number, so that masks
are dynamic whatever shuffles the items, and with any number of workers.
"""

# L tokens of a sample; B samples of a batch, S tokens of its longest

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from nsp_ablation.samples.batches.assemble import IGNORED_LABEL, assemble_masked
from nsp_ablation.samples.batches.loader import MicroBatch, MicroBatches, pair_labels
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore

# input_ids (masked), token_type_ids, labels (-100 where nothing is predicted), each (L,) int64; with a loss on pairs
# also its label, () int64: next_sentence_label (1 = B is random) or sentence_order_label (1 = A and B are swapped)
Sample = dict[str, Tensor]


@dataclass(eq=False)
class EpochSamples(Dataset):
    """The samples of epochs 1 to `num_epochs`, one epoch after another, each in corpus order, for a shuffling reader.

    Item i is a sample of an epoch under the mask of (seed, epoch, sample): a Trainer that reads all items once has read
    `num_epochs` epochs. `index_of(epoch)` gives an epoch's samples; `pair_label` is the key of the label of pairs, None
    for an objective without a loss on them.
    """

    store: TokenStore
    index_of: Callable[[int], SampleIndex]
    frame: Frame
    masks: Masks
    pair_label: str | None
    num_epochs: int

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, number: int) -> Sample:
        """Return an item. Raises IndexError beyond the last."""
        return self.__getitems__([number])[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[Sample]:
        """Return several items (what torch's loader asks for): those of an epoch are laid out by one call."""
        wanted = np.asarray(numbers, np.int64)
        if len(outside := wanted[(wanted < -len(self)) | (wanted >= len(self))]):
            raise IndexError(f"item {outside[0]} of a data set of {len(self)}")
        wanted = wanted % len(self)
        epochs = np.searchsorted(self._ends, wanted, side="right")
        found: list[Sample] = [{}] * len(wanted)
        for before in np.unique(epochs):
            places = np.flatnonzero(epochs == before)
            first = self._ends[before - 1] if before else 0
            for place, sample in zip(places, self._laid_out(int(before), wanted[places] - first), strict=True):
                found[place] = sample
        return found

    @cached_property
    def _indexes(self) -> list[SampleIndex]:
        return [self.index_of(epoch) for epoch in range(1, self.num_epochs + 1)]

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum([index.num_samples for index in self._indexes])

    def _laid_out(self, before: int, samples: np.ndarray) -> list[Sample]:
        """Return samples (n,) of the epoch before which there are `before` others."""
        index = self._indexes[before]
        flat = assemble_masked(self.store, index, self.frame, samples, self.masks, before + 1)
        columns = {
            "input_ids": flat.masked_input_ids,
            "token_type_ids": flat.token_type_ids,
            "labels": flat.labels,
        }
        tensors = {name: torch.from_numpy(column) for name, column in columns.items()}
        return _cut(tensors, flat.sequence_offsets, self.pair_label, pair_labels(index, samples))


@dataclass(eq=False)
class PlannedUpdates(Dataset):
    """The updates 0 to `num_updates` - 1 of a plan, whole and in its order: item k is the samples of update k, a list.

    To be read in order, one item a batch (`per_device_train_batch_size=1`, `train_sampling_strategy="sequential"`).
    """

    plan: BatchPlan
    store: TokenStore
    frame: Frame
    masks: Masks
    pair_label: str | None
    num_updates: int

    def __len__(self) -> int:
        return self.num_updates

    def __getitem__(self, step: int) -> list[Sample]:
        """Return the samples of an update. Raises IndexError beyond the last."""
        if not 0 <= step < self.num_updates:
            raise IndexError(f"update {step} of {self.num_updates}")
        update: MicroBatch = self._batches[step]
        labels = torch.full_like(update.input_ids, IGNORED_LABEL)
        labels[update.masked_positions] = update.masked_labels
        columns = {"input_ids": update.input_ids, "token_type_ids": update.token_type_ids, "labels": labels}
        pairs = None if update.pair_labels is None else update.pair_labels.numpy()
        return _cut(columns, update.sequence_offsets.numpy(), self.pair_label, pairs)

    @cached_property
    def _batches(self) -> MicroBatches:
        return MicroBatches(self.plan, self.store, self.frame, self.masks, 1, 0, 1, None)


@dataclass(frozen=True)
class PaddedBatch:
    """The collator: samples, or lists of samples, become one batch, padded to the longest of it (S).

    S is raised to a multiple of `multiple` (1: left as it is). Give it to the Trainer as `data_collator`.
    """

    pad_id: int
    multiple: int = 1

    def __call__(self, items: Sequence[Sample | list[Sample]]) -> dict[str, Tensor]:
        """Return input_ids, attention_mask, token_type_ids, labels (B, S) and, of pairs, their label (B,); all int64.

        Padding has the id `pad_id`, attention mask and token type 0, and label -100.
        """
        samples: list[Sample] = [s for item in items for s in (item if isinstance(item, list) else [item])]
        longest = max(len(sample["input_ids"]) for sample in samples)
        shape = len(samples), -(-longest // self.multiple) * self.multiple
        padding = {"input_ids": self.pad_id, "attention_mask": 0, "token_type_ids": 0, "labels": IGNORED_LABEL}
        batch = {name: torch.full(shape, value, dtype=torch.int64) for name, value in padding.items()}
        for row, sample in enumerate(samples):
            length = len(sample["input_ids"])
            batch["attention_mask"][row, :length] = 1
            for name, column in sample.items():
                if name in batch:
                    batch[name][row, :length] = column
        of_pairs = [name for name in samples[0] if name not in batch]
        return batch | {name: torch.stack([sample[name] for sample in samples]) for name in of_pairs}


def _cut(
    columns: dict[str, Tensor], sequence_offsets: np.ndarray, pair_label: str | None, of_pairs: np.ndarray | None
) -> list[Sample]:
    """Cut tokens (L,) of n samples, laid end to end, in samples; `of_pairs` (n,) int64 are the labels of pairs."""
    lengths = np.diff(sequence_offsets).tolist()
    parts: list[dict[str, Any]] = [
        dict(zip(columns, cut, strict=True))
        for cut in zip(*(column.split(lengths) for column in columns.values()), strict=True)
    ]
    if pair_label is None:
        return parts
    assert of_pairs is not None, "a loss on pairs needs a format of pairs"
    return [part | {pair_label: label} for part, label in zip(parts, torch.from_numpy(of_pairs), strict=True)]
