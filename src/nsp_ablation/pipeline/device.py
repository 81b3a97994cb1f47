"""The device of a run, as records name it."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nsp_ablation.learning.engine.training_device import torch_device
from nsp_ablation.options.trainer_options import TrainerOptions


def device_name(trainer: TrainerOptions) -> str:
    """Return the record's `device`: its kind first, then what it is."""
    device = torch_device(trainer)
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name()}"
    threads = "" if device.type == "mps" else f" {torch.get_num_threads()} threads"
    return f"{device.type} {platform.machine()}{threads}"


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
