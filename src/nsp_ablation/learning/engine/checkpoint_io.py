"""How a checkpoint reaches the disk: copied at once, written by a thread while training goes on, whole or absent."""

import itertools
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from lightning_utilities.core.apply_func import apply_to_collection
from pytorch_lightning.plugins.io import TorchCheckpointIO

from nsp_ablation.base.artifact import atomic_path, full_disk_named
from nsp_ablation.base.errors import DamageError

_RUN = "nsp_ablation_run"  # the directory that a checkpoint is of: two runs have weights of the same shapes


class BackgroundCheckpointIO(TorchCheckpointIO):
    """Saves one checkpoint at a time; `teardown` waits for the last one. What went wrong in the thread is raised there
    or at the next save: FullDiskError naming the path where the disk is full.

    The copies lie in the same memory each time (page-locked on a GPU): new pages cost more than the copying.
    Lightning's AsyncCheckpointIO clones anew each time, queues saves without bound, and makes the file in memory first.
    """

    def __init__(self) -> None:
        super().__init__()
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._saving: Future[None] | None = None
        self._buffers: list[torch.Tensor] = []

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Copy the tensors to memory of the CPU and return; the file follows."""
        self.teardown()
        numbers = itertools.count()
        checkpoint[_RUN] = Path(path).parent.name
        copied = apply_to_collection(checkpoint, torch.Tensor, lambda tensor: self._copy(tensor, next(numbers)))
        self._saving = self._executor.submit(_write, copied, Path(path))

    def load_checkpoint(self, path: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Return a checkpoint. Raises DamageError naming the file where it holds none, or that of another run."""
        remedy = "delete it, and its training starts anew"
        try:
            checkpoint = super().load_checkpoint(path, *arguments, **options)
        except Exception as error:  # whatever zip and pickle make of a file; torch advises to run its code
            raise DamageError(f"{path} is no checkpoint of this program ({type(error).__name__}); {remedy}") from error
        run = checkpoint.get(_RUN) if isinstance(checkpoint, dict) else None
        if run != Path(path).parent.name:
            raise DamageError(f"{path} is the checkpoint of another run ({run}); {remedy}")
        return checkpoint

    def teardown(self) -> None:
        """Wait until the file is whole."""
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def _copy(self, tensor: torch.Tensor, number: int) -> torch.Tensor:
        """Copy the tensor of this number in a checkpoint to its buffer."""
        if number == len(self._buffers):
            self._buffers.append(torch.empty(0))
        buffer = self._buffers[number]
        if (buffer.shape, buffer.dtype) != (tensor.shape, tensor.dtype):
            buffer = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
            self._buffers[number] = buffer
        return buffer.copy_(tensor.detach())


def _write(checkpoint: dict[str, Any], path: Path) -> None:
    with full_disk_named(path), atomic_path(path) as temporary, open(temporary, "wb") as file:
        torch.save(checkpoint, file)
