"""How the processes that read batches ahead are started, of every loader alike."""

from typing import Any

from nsp_ablation.base.interrupts import ignore_requests


def data_workers(num_workers: int) -> dict[str, Any]:
    """Return what torch's DataLoader takes (its keywords) to read in `num_workers` processes, 0: in this one.

    They are forked also where this process, a rank or a cell, was spawned: a spawned worker would be sent the data set.
    """
    return {
        "num_workers": num_workers,
        "multiprocessing_context": "fork" if num_workers else None,
        "worker_init_fn": _leave_signals_to_parent,
    }


def _leave_signals_to_parent(worker: int) -> None:
    """A request to stop that goes to all processes of a job must not end the batches of the update at hand."""
    ignore_requests()
