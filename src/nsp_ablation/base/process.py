"""This process: its cores, rank in a job, threads and heap, and how it loads large libraries; needs none of them."""

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nsp_ablation.base.fingerprint import files_fingerprint

_KERNEL_PACKAGES = ("base", "samples")  # where numba's kernels, and what they call, are written

# Turns that an idle OpenMP thread spins before it sleeps. The model=micro step on 2 cores (thousand tokens a second):
#   turns           1,000   3,000   10,000   30,000   libgomp's own   OMP_WAIT_POLICY=PASSIVE
#   idle machine       80     116      122      124             121                        64
#   a busy neighbour    -      36       27        5               -                        15
_SPIN_TURNS = 10_000

# mallopt's numbers in glibc's malloc.h, in bytes. Small models allocate and free the same few megabytes in every
# step: with these the heap keeps them instead of asking the kernel for zeroed pages again. 32 MiB is glibc's maximum
# for the last; what is larger is given back when freed.
_HEAP_OPTIONS = {
    "MALLOC_TRIM_THRESHOLD_": (-1, 1 << 28),
    "MALLOC_TOP_PAD_": (-2, 1 << 24),
    "MALLOC_MMAP_THRESHOLD_": (-3, 1 << 25),
}


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def job_rank() -> int | None:
    """Return this process' rank among those that torchrun or srun started, None where it is alone."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["RANK"]) if int(os.environ["WORLD_SIZE"]) > 1 else None
    # set by srun alone: a batch script that starts one process also knows SLURM_NTASKS
    is_step = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1
    return int(os.environ["SLURM_PROCID"]) if is_step else None


def set_up_cpu(num_threads: int | None) -> None:
    """Choose threads (None leaves them to torch), their way of waiting, and thresholds of the heap, for this process
    and those that it starts (data workers, ranks).

    What the user set in the environment stays. Waiting can only be chosen before torch is loaded; the rest always.
    """
    _keep_heap()
    if "torch" not in sys.modules:
        if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
            os.environ["GOMP_SPINCOUNT"] = str(_SPIN_TURNS)
        if num_threads is not None:
            os.environ.setdefault("OMP_NUM_THREADS", str(num_threads))
    elif num_threads is not None and "OMP_NUM_THREADS" not in os.environ:
        sys.modules["torch"].set_num_threads(num_threads)


def _keep_heap() -> None:
    """Raise glibc's thresholds by `mallopt`: the MALLOC_* variables are read at process start alone.

    They are set all the same, for processes that are spawned from this one (forked ones share its heap).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:  # macOS, musl
        return
    for variable, (option, value) in _HEAP_OPTIONS.items():
        if variable not in os.environ:
            mallopt(option, value)
            os.environ[variable] = str(value)


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Inside, nothing is collected; afterwards collections pass over all objects that are there by then.

    Modules leave no garbage, but torch and Lightning make 0.6 million objects: to look for it takes 1.2 of the 8 CPU
    seconds of their import, and .4 s in each full collection later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def keep_kernels_by_source() -> None:
    """Name a cache directory of numba for this state of the kernels' source, unless the user did; before its import.

    Left to itself numba looks at the file of a kernel alone: an edit of what that calls in another file (a release that
    corrects a draw, say) would go unnoticed, and the old science would run on. The directory lies in the package's own
    `__pycache__`, or the user's cache where that cannot be written, and holds for child processes too.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    package = Path(__file__).resolve().parent.parent
    sources = sorted(path for name in _KERNEL_PACKAGES for path in (package / name).rglob("*.py"))
    name = f"kernels-{files_fingerprint(sources)}"
    if os.access(package, os.W_OK):
        directory = package / "__pycache__" / name
    else:
        directory = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nsp-ablation" / name
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
