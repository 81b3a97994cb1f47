"""The device of a run."""

import platform

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
