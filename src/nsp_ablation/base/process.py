"""This process: cores, parent, rank in a job, waiting threads, heap, and how it loads large libraries; needs none."""

import atexit
import ctypes
import gc
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import files_fingerprint

_KERNELS = "NUMBA_CACHE_DIR"
_KERNEL_SOURCES = ("base/randomness.py", "samples/**/*.py")  # numba's kernels, and what they call

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
    if is_torchruns():
        return int(os.environ["RANK"]) if int(os.environ["WORLD_SIZE"]) > 1 else None
    # set by srun alone: a batch script that starts one process also knows SLURM_NTASKS
    is_step = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1
    return int(os.environ["SLURM_PROCID"]) if is_step else None


def is_torchruns() -> bool:
    """Return whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def local_rank() -> int:
    """Return this process' number among those of a job on its machine."""
    return int(os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0")))


def end_with_parent() -> None:
    """From now on this process, which `multiprocessing` spawned, ends when its parent does, however that ends."""
    threading.Thread(target=_end_after_parent, name="parent", daemon=True).start()


def _end_after_parent() -> None:
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def set_up_cpu() -> None:
    """Choose how threads wait, and thresholds of the heap, for this process and those that it starts (data workers,
    ranks). How many threads there are is chosen where a model runs (`pipeline/device.py`).

    What the user set in the environment stays. Waiting can only be chosen before torch is loaded; the rest always.
    """
    _keep_heap()
    if "torch" not in sys.modules and not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = str(_SPIN_TURNS)


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
    `__pycache__`, or the user's cache where that cannot be written, or else a temporary one, which this process removes
    at its end. It holds for child processes too. Raises InputError where the user's own choice cannot be written.
    """
    if (chosen := os.environ.get(_KERNELS)) is not None:
        if not _is_writable(Path(chosen)):
            raise InputError(f"{_KERNELS}={chosen} cannot be written; set it to a directory that can, or unset it")
        return
    package = Path(__file__).resolve().parent.parent
    sources = sorted(path for pattern in _KERNEL_SOURCES for path in package.glob(pattern))
    name = f"kernels-{files_fingerprint(sources)}"
    places = [package / "__pycache__" / name]
    if (own := _user_cache()) is not None:
        places.append(own / "nsp-ablation" / name)
    found = next((place for place in places if _is_writable(place)), None)
    os.environ[_KERNELS] = str(_temporary_caches() / name if found is None else found)
    if found is None:
        print(
            f"{_KERNELS} is not set, and neither {places[0].parent} nor a home directory can be written: kernels are "
            "compiled anew in every run, which takes half a minute",
            file=sys.stderr,
        )


def keep_caches_out_of_home() -> None:
    """Let libraries that keep something in the home directory do so in a temporary one where there is no usable home;
    before their import. What the user set stays."""
    if _user_cache() is None:
        temporary = _temporary_caches()
        names = {"XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config", "MPLCONFIGDIR": "matplotlib"}
        names |= {f"WANDB_{kind}_DIR": "wandb" for kind in ("CACHE", "CONFIG", "DATA")}
        if not _home("~/.cache/huggingface").is_dir():  # what was fetched earlier can still be read
            names["HF_HOME"] = "huggingface"
        for variable, name in names.items():
            os.environ.setdefault(variable, str(temporary / name))


def _user_cache() -> Path | None:
    """Return the user's cache directory, None where there is none that can be written."""
    place = Path(os.environ["XDG_CACHE_HOME"]) if "XDG_CACHE_HOME" in os.environ else _home("~/.cache")
    return place if place.is_absolute() and _is_writable(place) else None


def _home(name: str) -> Path:
    return Path(os.path.expanduser(name))  # stays as it is, and relative, where nobody knows a home


@cache
def _temporary_caches() -> Path:
    """Return a directory of this process alone: others could lay code into one that they know."""
    directory, owner = tempfile.mkdtemp(prefix="nsp-ablation-"), os.getpid()
    atexit.register(lambda: shutil.rmtree(directory, ignore_errors=True) if os.getpid() == owner else None)
    return Path(directory)


def _is_writable(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False
