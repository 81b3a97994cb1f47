"""Micro-batches as torch tensors: micro-batch k is a pure function of k, whoever reads and wherever reading starts."""

# L tokens of all sequences one after another, S sequences, M masked positions

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from nsp_ablation.base.data_workers import data_workers
from nsp_ablation.samples.batches.assemble import IGNORED_LABEL, MaskedFlat, assemble_masked, concatenate
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.micro_batches import MIN_PADDING
from nsp_ablation.samples.batches.plan import BatchPlan, balanced_cut
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore


@dataclass
class MicroBatch:
    """Some sequences of one update, laid end to end without padding; all tensors are int64.

    Sequence s holds the tokens [sequence_offsets[s], sequence_offsets[s + 1]). The two `num_update_*` count the whole
    update, over every micro-batch and rank, so that sums of losses divided by them add up to the update's mean. A
    micro-batch is empty (L = S = M = 0) only where its update has fewer sequences than micro-batches.
    """

    input_ids: torch.Tensor  # (L,) masked
    token_type_ids: torch.Tensor  # (L,)
    position_ids: torch.Tensor  # (L,) from 0 in each sequence
    sequence_offsets: torch.Tensor  # (S + 1,)
    piece_offsets: torch.Tensor  # (P + 1,) the same tokens in pieces of one document, or of one segment of a pair
    max_sequence_length: int
    masked_positions: torch.Tensor  # (M,) positions in (L,), ascending
    masked_labels: torch.Tensor  # (M,) the ids before masking
    pair_labels: torch.Tensor | None  # (S,) NSP: 1 = random, SOP: 1 = swapped; None for formats without pairs
    step: int
    num_update_predictions: int
    num_update_pairs: int
    num_tokens: int

    def to(self, device: Any, **kwargs: Any) -> "MicroBatch":
        """Return this micro-batch with every tensor on `device`."""
        return self._with_tensors(lambda tensor: tensor.to(device, **kwargs))

    def pin_memory(self) -> "MicroBatch":
        """Return this micro-batch in page-locked memory (called by DataLoader)."""
        return self._with_tensors(torch.Tensor.pin_memory)

    def padded(self, multiple: int, longest: int) -> "MicroBatch":
        """Return a copy padded to a multiple of `multiple` tokens, so that compiled code sees one shape.

        Padding comes last: at least two tokens of id 0, in at least two sequences of at most `longest` tokens, which
        no real token attends to; two of them stand among the masked positions, with label -100 (so do the pairs'
        labels). So no padded micro-batch has 0 or 1 of anything, for which torch.compile would make graphs of their
        own. Counts stay those of real tokens; `max_sequence_length` is `longest`.
        """
        num_tokens = len(self.input_ids)
        position = torch.arange(MIN_PADDING - (num_tokens + MIN_PADDING) % -multiple)
        borders = [1, *range(1 + longest, len(position), longest), len(position)]  # the first token stands alone
        ends = torch.tensor(borders) + num_tokens
        zeros, ignored = torch.zeros_like(position), torch.full((MIN_PADDING,), IGNORED_LABEL)
        offsets: dict[str, Any] = {
            name: torch.cat([old, ends]) for name, old in vars(self).items() if name.endswith("_offsets")
        }
        labels = self.pair_labels
        return replace(
            self,
            input_ids=torch.cat([self.input_ids, zeros]),
            token_type_ids=torch.cat([self.token_type_ids, zeros]),
            position_ids=torch.cat([self.position_ids, (position - 1).clamp(min=0) % longest]),
            max_sequence_length=longest,
            masked_positions=torch.cat([self.masked_positions, num_tokens + position[:MIN_PADDING]]),
            masked_labels=torch.cat([self.masked_labels, ignored]),
            pair_labels=None if labels is None else torch.cat([labels, torch.full_like(ends, IGNORED_LABEL)]),
            **offsets,
        )

    def _with_tensors(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "MicroBatch":
        changed: dict[str, Any] = {k: change(v) for k, v in vars(self).items() if isinstance(v, torch.Tensor)}
        return replace(self, **changed)


def micro_batch_loader(
    plan: BatchPlan,
    store: TokenStore,
    frame: Frame,
    masks: Masks,
    *,
    first_step: int,
    max_steps: int,
    accumulation: int,
    num_workers: int,
    rank: int = 0,
    world_size: int = 1,
    pin_memory: bool = False,
    pad_to: int | None = None,
) -> DataLoader:
    """Return the loader of one rank's micro-batches of the updates [first_step, max_steps), `accumulation` an update.

    Every update is cut in accumulation x world_size parts; `rank` takes each world_size-th. What it yields depends
    neither on `num_workers` nor on where reading starts. With `pad_to` each is padded to a multiple of so many tokens.
    """
    assert 0 <= first_step <= max_steps, (first_step, max_steps)
    assert 0 <= rank < world_size, (rank, world_size)
    dataset = MicroBatches(plan, store, frame, masks, accumulation, rank, world_size, pad_to)
    items = range(first_step * accumulation, max_steps * accumulation)
    if num_workers and items:
        _ = dataset[items[0]]  # forked workers then share the compiled kernels and the order of the epoch
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=items,
        pin_memory=pin_memory,
        **data_workers(num_workers),
    )


def evaluation_batches(
    store: TokenStore, index: SampleIndex, frame: Frame, masks: Masks, tokens_per_batch: int
) -> Iterator[MicroBatch]:
    """Give every sample once, in corpus order, under the mask of epoch 1, in batches of at most so many real tokens.

    A longer sample is a batch of its own. Each batch counts as an update: its numbers of predictions and pairs are
    its own.
    """
    ends = np.concatenate([[0], np.cumsum(index.lengths())])
    first = step = 0
    while first < index.num_samples:
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + tokens_per_batch, side="right")) - 1)
        samples = np.arange(first, last)
        update = _Update(step, assemble_masked(store, index, frame, samples, masks, 1), pair_labels(index, samples))
        yield update.part(0, len(samples))
        first, step = last, step + 1


def pair_labels(index: SampleIndex, samples: np.ndarray) -> np.ndarray | None:
    """Return (n,) int64 labels of samples (n,): SOP's where the index has them, else NSP's, else None."""
    labels = index.is_random_next if index.is_swapped is None else index.is_swapped
    return None if labels is None else labels[samples].astype(np.int64)


@dataclass(eq=False)
class MicroBatches(Dataset):
    """One rank's micro-batches by number: number k is part k mod `accumulation` of update k div `accumulation`.

    Holds the last update assembled, from which its parts are cut; the numbers of predictions need all of it anyway.
    """

    plan: BatchPlan
    store: TokenStore
    frame: Frame
    masks: Masks
    accumulation: int
    rank: int
    world_size: int
    pad_to: int | None
    _update: "_Update | None" = None

    def __getitem__(self, number: int) -> MicroBatch:
        step, turn = divmod(number, self.accumulation)
        if self._update is None or self._update.step != step:
            self._update = self._assemble(step)
        offsets = self._update.flat.sequence_offsets
        borders = balanced_cut(offsets[1:] - offsets[:-1], self.accumulation * self.world_size)
        part = turn * self.world_size + self.rank
        batch = self._update.part(int(borders[part]), int(borders[part + 1]))
        return batch if self.pad_to is None else batch.padded(self.pad_to, self.frame.max_length)

    def _assemble(self, step: int) -> "_Update":
        flats, labels = [], []
        samples, epochs = self.plan.update(step)
        borders = [0, *(np.flatnonzero(epochs[1:] != epochs[:-1]) + 1).tolist(), len(samples)]
        for start, end in zip(borders[:-1], borders[1:], strict=True):
            epoch, part = int(epochs[start]), samples[start:end]
            index = self.plan.index_of(epoch)
            flats.append(assemble_masked(self.store, index, self.frame, part, self.masks, epoch))
            labels.append(pair_labels(index, part))
        known = [label for label in labels if label is not None]
        return _Update(step, concatenate(flats), np.concatenate(known) if known else None)


@dataclass(frozen=True, eq=False)
class _Update:
    """One assembled update; pair_labels (n,) int64 or None."""

    step: int
    flat: MaskedFlat
    pair_labels: np.ndarray | None

    def part(self, first: int, last: int) -> MicroBatch:
        """Return its sequences [first, last) as a micro-batch; the tensors share memory with the update."""
        flat = self.flat
        offsets = flat.sequence_offsets[first : last + 1]
        tokens = slice(int(offsets[0]), int(offsets[-1]))
        masked = slice(*np.searchsorted(flat.masked_positions, [tokens.start, tokens.stop]))
        first_piece, last_piece = np.searchsorted(flat.piece_offsets, [tokens.start, tokens.stop])
        pieces = slice(first_piece, last_piece + 1)
        return MicroBatch(
            input_ids=torch.from_numpy(flat.masked_input_ids[tokens]),
            token_type_ids=torch.from_numpy(flat.token_type_ids[tokens]),
            position_ids=torch.from_numpy(flat.position_ids[tokens]),
            sequence_offsets=torch.from_numpy(offsets - tokens.start),
            piece_offsets=torch.from_numpy(flat.piece_offsets[pieces] - tokens.start),
            max_sequence_length=int((offsets[1:] - offsets[:-1]).max(initial=0)),
            masked_positions=torch.from_numpy(flat.masked_positions[masked] - tokens.start),
            masked_labels=torch.from_numpy(flat.masked_labels[masked]),
            pair_labels=None if self.pair_labels is None else torch.from_numpy(self.pair_labels[first:last]),
            step=self.step,
            num_update_predictions=len(flat.masked_positions),
            num_update_pairs=0 if self.pair_labels is None else len(self.pair_labels),
            num_tokens=tokens.stop - tokens.start,
        )
