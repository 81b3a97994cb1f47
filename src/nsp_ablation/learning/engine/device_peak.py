"""What a device can multiply at most: published for GPUs, measured on CPU. The denominator of MFU.

Lightning's `get_available_flops` needs the device to be there, and its table mixes sparse peaks (H200: 2,000 TFLOP/s)
with dense ones.
"""

import re
import time
from functools import cache

import torch

from nsp_ablation.options.trainer_options import DEVICES

_BRANDS = {"nvidia", "tesla", "geforce", "quadro"}
# "NVIDIA A100-SXM4-80GB", "NVIDIA H100 80GB HBM3", "NVIDIA GH200 144G HBM3e", "NVIDIA RTX 6000 Ada Generation"
_MEMORY_OR_FORM = re.compile(r"\d+gb?|hbm\w+|sxm\d*|pcie|dgxs|generation|ac")
_CPU_SIZE = 1024  # of the matrices that are multiplied: five products are a tenth of a second on two cores


def device_peak(device: torch.device, precision: str) -> float | None:
    """Return the peak FLOP/s of a device that is there, measured on CPU; None where it is not known."""
    if device.type == "cuda":
        return published_peak(torch.cuda.get_device_name(device), precision)
    return measured_peak(torch.get_num_threads()) if device.type == "cpu" else None


def published_peak(name: str, precision: str) -> float | None:
    """Return the FLOP/s of a GPU by its name (`torch.cuda.get_device_name`), None where it is not in `DEVICES`.

    Its words must be those of an entry: beside them stand maker, brand, memory and form at most, so that no variant
    (NVL, Ti, D, Laptop, Max-Q, a MIG slice) is taken for another. `precision` is the trainer's: mixed ones multiply in
    half precision, the others in full.
    """
    words = _words(name)
    fitting = [known for known in DEVICES if _is_named(words, _words(known))]
    if not fitting:
        return None
    half, full = DEVICES[max(fitting, key=len)]
    return (half if precision.endswith("mixed") else full) * 1e12


def _words(name: str) -> list[str]:
    """Return the words of a device's name in small letters, without maker and brand."""
    return [word for word in re.split(r"[\s-]+", name.lower()) if word and word not in _BRANDS]


def _is_named(words: list[str], known: list[str]) -> bool:
    return words[: len(known)] == known and all(_MEMORY_OR_FORM.fullmatch(word) for word in words[len(known) :])


@cache
def measured_peak(num_threads: int) -> float:
    """Return the fp32 FLOP/s of this CPU by `gemm_flops`, measured once for each number of threads that torch has."""
    assert num_threads == torch.get_num_threads(), num_threads
    return gemm_flops(torch.device("cpu"), torch.float32, _CPU_SIZE)


def gemm_flops(device: torch.device, dtype: torch.dtype, size: int, repeats: int = 5) -> float:
    """Return the FLOP/s of the fastest of a few products of two square matrices of random numbers.

    A GPU multiplies ones 13 % faster: bits that never change take less power. Torch's own generators are left alone.
    """
    draw = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(size, size, generator=draw, device=device, dtype=dtype) for _ in range(2))
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        torch.mm(left, right)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds)
