"""How a cell stands that was killed."""

import threading
import time

from nsp_ablation.pipeline.cell_life import note_killed
from nsp_ablation.reporting.records.sweep_cell import SweepCell, read_cell, runs, write_cell


def test_a_killed_cell_failed_though_its_workers_hold_its_lock_a_little_longer(tmp_path):
    """Workers are forked, and have the lock of the process that was killed until they notice."""
    write_cell(tmp_path, SweepCell("full", [], [], "running", None))
    held = threading.Event()

    def worker():
        with runs(tmp_path, "full"):
            held.set()
            time.sleep(0.5)

    thread = threading.Thread(target=worker)
    thread.start()
    held.wait()
    assert read_cell(tmp_path, "full").status == "running"
    note_killed(tmp_path, "full", "killed by SIGKILL")
    thread.join()
    found = read_cell(tmp_path, "full")
    assert (found.status, found.reason) == ("failed", "killed by SIGKILL")
