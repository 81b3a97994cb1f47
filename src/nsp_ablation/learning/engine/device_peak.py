"""What a device can multiply at most: published for GPUs, measured on CPU. The denominator of MFU.

Lightning's `get_available_flops` needs the device to be there, and its table mixes sparse peaks (H200: 2,000 TFLOP/s)
with dense ones.
"""

import re
import time
from functools import cache

import torch

from nsp_ablation.options.trainer_options import DEVICES

_CPU_SIZE = 1024  # of the matrices that are multiplied: five products are a tenth of a second on two cores


def device_peak(device: torch.device, precision: str) -> float | None:
    """Return the peak FLOP/s of a device that is there, measured on CPU; None where it is not known."""
    if device.type == "cuda":
        return published_peak(torch.cuda.get_device_name(device), precision)
    return measured_peak(torch.get_num_threads()) if device.type == "cpu" else None


def published_peak(name: str, precision: str) -> float | None:
    """Return the FLOP/s of a GPU by its name (`torch.cuda.get_device_name`), None where it is not in `DEVICES`.

    `precision` is the trainer's: mixed ones multiply in half precision, the others in full.
    """
    for known, (half, full) in DEVICES.items():
        if re.search(rf"\b{known}\b", name):
            return (half if precision.endswith("mixed") else full) * 1e12
    return None


@cache
def measured_peak(num_threads: int) -> float:
    """Return the fp32 FLOP/s of this CPU by `gemm_flops`, measured once for each number of threads that torch has."""
    assert num_threads == torch.get_num_threads(), num_threads
    return gemm_flops(torch.device("cpu"), torch.float32, _CPU_SIZE)


def gemm_flops(device: torch.device, dtype: torch.dtype, size: int, repeats: int = 5) -> float:
    """Return the FLOP/s of the fastest of a few products of two square matrices."""
    left, right = (torch.ones(size, size, device=device, dtype=dtype) for _ in range(2))
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        torch.mm(left, right)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds)
