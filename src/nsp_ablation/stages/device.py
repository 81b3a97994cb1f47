"""The device of a run."""

import platform

import torch

from nsp_ablation.config.schema import TrainerConfig


def torch_device(trainer: TrainerConfig) -> torch.device:
    """Return the device that the trainer's accelerator stands for."""
    uses_gpu = trainer.accelerator == "gpu" or (trainer.accelerator == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if uses_gpu else "cpu")


def device_name(trainer: TrainerConfig) -> str:
    """Return the record's `device`: its kind first, then what it is."""
    if torch_device(trainer).type == "cuda":
        return f"cuda {torch.cuda.get_device_name()}"
    return f"cpu {platform.machine()} {torch.get_num_threads()} threads"
