"""The device of a run."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.trainer_options import TrainerOptions


def torch_device(trainer: TrainerOptions) -> torch.device:
    """Return the device that the trainer's accelerator stands for. Raises InputError for a GPU that is not there."""
    has_gpu = torch.cuda.is_available()
    if trainer.accelerator == "gpu" and not has_gpu:
        raise InputError("trainer.accelerator=gpu: torch sees no GPU on this machine; use trainer=cpu")
    uses_gpu = trainer.accelerator != "cpu" and has_gpu
    return torch.device("cuda" if uses_gpu else "cpu")


def device_name(trainer: TrainerOptions) -> str:
    """Return the record's `device`: its kind first, then what it is."""
    if torch_device(trainer).type == "cuda":
        return f"cuda {torch.cuda.get_device_name()}"
    return f"cpu {platform.machine()} {torch.get_num_threads()} threads"


@contextmanager
def model_threads(num_threads: int | None) -> Iterator[None]:
    """Inside, torch computes with `model.num_threads` threads, whatever OMP_NUM_THREADS and the cores say, so that sums
    are cut alike everywhere; None leaves them as they are."""
    before = torch.get_num_threads()
    if num_threads is not None:
        torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
