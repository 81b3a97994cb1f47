"""The device that a run trains on: which one its settings stand for, whether it is there, its generators, its bits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.trainer_options import TrainerOptions

_CUBLAS = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # one of the two with which cuBLAS repeats itself


def torch_device(trainer: TrainerOptions) -> torch.device:
    """Return the device of this process that the trainer's settings stand for. Raises InputError as `check_device`."""
    check_device(trainer)
    return torch.device(_kind(trainer))


def check_device(trainer: TrainerOptions) -> None:
    """Raise InputError where this machine lacks the device, as many of them as are asked for, or its precision."""
    if (problem := device_problem(trainer)) is not None:
        raise InputError(problem)


def device_problem(trainer: TrainerOptions) -> str | None:
    """Return why this machine cannot train as the settings say, with a remedy; None where it can."""
    kind, other = _kind(trainer), "set trainer.accelerator=cpu" if trainer.name == "cpu" else "use trainer=cpu"
    if kind == "mps" and not torch.backends.mps.is_available():
        built = "no GPU of Apple's on this machine" if torch.backends.mps.is_built() else "no mps in this build"
        return f"trainer.accelerator=mps: torch {torch.__version__} sees {built}; {other}"
    if kind == "cuda":
        if not torch.cuda.is_available():
            seen = "no GPU on this machine"
            if torch.version.cuda is None and torch.version.hip is None:
                seen += " and is a build without CUDA"
            return f"trainer.accelerator=gpu: torch {torch.__version__} sees {seen}; {other}"
        return _lack_of_cuda(trainer)
    return None


def cuda_devices() -> list[str]:
    """Return what names each CUDA device of this process in CUDA_VISIBLE_DEVICES; nothing where there is none."""
    count, named = torch.cuda.device_count(), os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:count] if named else [str(number) for number in range(count)]


def _lack_of_cuda(trainer: TrainerOptions) -> str | None:
    if trainer.devices > (count := torch.cuda.device_count()):
        seen = f"torch sees {count} GPU{'s' if count > 1 else ''} on this machine"
        return f"trainer.devices={trainer.devices}: {seen}; set trainer.devices={count}"
    if trainer.precision == "bf16-mixed" and not torch.cuda.is_bf16_supported(including_emulation=False):
        lack = f"{torch.cuda.get_device_name()} has no bfloat16"
        return f"trainer.precision=bf16-mixed: {lack}; set trainer.precision=16-mixed or 32-true"
    return None


def _kind(trainer: TrainerOptions) -> str:
    """Return torch's word for the device: `auto` is CUDA where torch sees it, and else the CPU."""
    if trainer.accelerator == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return {"gpu": "cuda"}.get(trainer.accelerator, trainer.accelerator)


@contextmanager
def generators_kept(device: torch.device) -> Iterator[None]:
    """Leave torch's global generators of the CPU and of `device` as they were; no other device is initialised."""
    cuda = [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    mps = torch.mps.get_rng_state() if device.type == "mps" else None
    try:
        with torch.random.fork_rng(devices=cuda, device_type="cuda"):
            yield
    finally:
        if mps is not None:
            torch.mps.set_rng_state(mps)


@contextmanager
def repeatable(trainer: TrainerOptions, device: torch.device) -> Iterator[None]:
    """Inside, kernels of CUDA give the same bits in each run where `trainer.deterministic` asks for it.

    A CPU's do in any case, and its kernels stay as they are: torch would exchange some of them, too. Memory is not
    filled before it is written. Raises InputError for an operator that has no such kernel.
    """
    if device.type != "cuda" or not trainer.deterministic:
        yield
        return
    os.environ.setdefault(*_CUBLAS)
    memory: Any = torch.utils.deterministic
    fills, before = memory.fill_uninitialized_memory, torch.get_deterministic_debug_mode()
    memory.fill_uninitialized_memory = False
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        reason = str(error).partition(". ")[0]
        raise InputError(f"trainer.deterministic=true: {reason}; set trainer.deterministic=false") from error
    finally:
        torch.set_deterministic_debug_mode(before)
        memory.fill_uninitialized_memory = fills
