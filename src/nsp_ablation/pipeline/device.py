"""The device of a run, as records name it."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nsp_ablation.base.processor import processor_name
from nsp_ablation.learning.engine.training_device import torch_device
from nsp_ablation.options.trainer_options import TrainerOptions


def device_name(trainer: TrainerOptions) -> str:
    """Return the record's `device`: its kind first, then its model, and how many threads computed on a CPU.

    Results of equal names are made by kernels that round alike; "cpu AMD EPYC 7B13 (x86_64), 1 threads".
    """
    device = torch_device(trainer)
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name()}"
    threads = "" if device.type == "mps" else f", {torch.get_num_threads()} threads"
    return f"{device.type} {processor_name()} ({platform.machine()}){threads}"


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
