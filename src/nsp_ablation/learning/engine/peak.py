"""What a device can multiply at most: published for GPUs, measured on CPU. The denominator of MFU."""

import re
import time
from functools import cache

import torch

# Dense TFLOP/s of (half precision with fp32 accumulation on tensor cores, fp32 outside them), from NVIDIA's data
# sheets; the longer name stands first. V100 and T4 have no bf16: theirs is fp16's.
PEAK_TFLOPS: dict[str, tuple[float, float]] = {
    "H200": (989.4, 66.9),
    "H100 PCIe": (756.0, 51.2),
    "H100 NVL": (835.5, 60.0),
    "H100": (989.4, 66.9),
    "A100": (312.0, 19.5),
    "A40": (149.7, 37.4),
    "A10": (125.0, 31.2),
    "RTX A6000": (154.8, 38.7),
    "RTX 6000 Ada": (364.2, 91.1),
    "L40S": (362.1, 91.6),
    "L40": (181.0, 90.5),
    "L4": (121.0, 30.3),
    "RTX 4090": (165.2, 82.6),
    "RTX 3090": (71.2, 35.6),
    "V100": (125.0, 15.7),
    "T4": (65.1, 8.1),
}
_CPU_SIZE = 1024  # of the matrices that are multiplied: five products are a tenth of a second on two cores


def published_peak(name: str, precision: str) -> float | None:
    """Return the FLOP/s of a GPU by its name (`torch.cuda.get_device_name`), None where it is not in the table.

    `precision` is the trainer's: mixed ones multiply in half precision, the others in full.
    """
    for known, (half, full) in PEAK_TFLOPS.items():
        if re.search(rf"\b{known}\b", name):
            return (half if precision.endswith("mixed") else full) * 1e12
    return None


def device_peak(device: torch.device, precision: str) -> float | None:
    """Return the peak FLOP/s of a device that is there, measured on CPU; None where it is not known."""
    if device.type == "cuda":
        return published_peak(torch.cuda.get_device_name(device), precision)
    return measured_peak(torch.get_num_threads()) if device.type == "cpu" else None


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
