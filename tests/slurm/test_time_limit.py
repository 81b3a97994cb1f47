"""A job near its limit of time: it saves, goes back into the queue, and goes on from there."""

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]


def test_the_signal_before_the_limit_saves_and_requeues_and_the_job_resumes(cluster, submit):
    """The limit is lowered when the training is under way, however long that took, and raised for what follows.

    Where that comes too late, the job is asked once more, and goes on once more.
    """
    options = ("--time=60", "--signal=USR1@120", "--requeue")
    job = submit(2, 1, "pretraining.max_steps=20000", "trainer.num_workers=1", options=options)  # they get it as well
    job.wait_for_checkpoint()
    hours, minutes, _ = map(int, job.shown("RunTime").split(":"))
    cluster.command("scontrol", "update", f"JobId={job.number}", f"TimeLimit={60 * hours + minutes + 2}")
    saved = job.wait_for(r"stopped by SIGUSR1 at update (\d+); the same command goes on from there")
    cluster.command("scontrol", "update", f"JobId={job.number}", f"TimeLimit={60 * hours + minutes + 60}")
    resumed = job.wait_for(r"resumed at update (\d+)")
    cluster.command("scancel", job.number)
    assert int(resumed[1]) == int(saved[1]) > 0
    assert int(job.shown("Restarts")) > 0
    assert job.end() == "CANCELLED"
