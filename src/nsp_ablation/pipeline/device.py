"""The device of a run, as records name it."""

import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from nsp_ablation.learning.engine.training_device import torch_device
from nsp_ablation.options.trainer_options import TrainerOptions

_CPU_FACTS = Path("/proc/cpuinfo")
_MODEL_FIELDS = ("model name", "cpu model", "cpu", "Model")  # of x86, MIPS, POWER, and of some boards with ARM


def device_name(trainer: TrainerOptions) -> str:
    """Return the record's `device`: its kind first, then its model, and how many threads computed on a CPU.

    Results of equal names are made by kernels that round alike; "cpu AMD EPYC 7B13 (x86_64), 1 threads".
    """
    device = torch_device(trainer)
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name()}"
    threads = "" if device.type == "mps" else f", {torch.get_num_threads()} threads"
    return f"{device.type} {processor_name(_CPU_FACTS)} ({platform.machine()}){threads}"


def processor_name(facts: Path) -> str:
    """Return the model of the processor: of Linux's /proc/cpuinfo (`facts`) where that names it, else what `platform`
    knows of it, which may be no more than its family."""
    try:
        lines = facts.read_text(errors="replace")
    except OSError:
        lines = ""
    found = dict(
        reversed(re.findall(r"^([^\t\n:]+?)[ \t]*:[ \t]*(.*\S)[ \t]*$", lines, re.MULTILINE))
    )  # the first one's
    named = [found[name] for name in _MODEL_FIELDS if name in found]
    return " ".join([*named, platform.processor() or "unknown processor"][0].split())


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
