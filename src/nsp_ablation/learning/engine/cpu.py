"""The machine under torch: threads, how idle threads wait, how the heap grows. Set before torch is loaded."""

import ctypes
import os
import sys

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
