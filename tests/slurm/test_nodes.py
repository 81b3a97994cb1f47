"""Ranks on several nodes: the encoder that other layouts give, and what a node that disappears leaves."""

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]

ONE_PROCESS = "trainer.accumulation=2"  # as many samples at once as each of two ranks


def same_training(job, expected):
    """Assert that a job trained on what another did, to the same weights but for rounding."""
    found, expected_counts = job.pretraining(), expected.pretraining()
    assert found.keys() == expected_counts.keys()
    for name, value in expected_counts.items():
        assert found[name] == (pytest.approx(value, abs=1e-3) if isinstance(value, float) else value), name
    weights = load_file(job.encoder() / "model.safetensors")
    for name, value in load_file(expected.encoder() / "model.safetensors").items():
        np.testing.assert_allclose(weights[name], value, rtol=0, atol=1e-3, err_msg=name)


def test_two_nodes_train_as_one_node_to_the_byte_and_as_one_process_to_rounding(submit, alone):
    jobs = [submit(2, 1), submit(1, 2)]
    two_nodes, one_node = (job.completed().encoder() / "model.safetensors" for job in jobs)
    assert two_nodes.read_bytes() == one_node.read_bytes()
    same_training(jobs[0], alone)


def test_a_node_that_disappears_ends_the_job_which_goes_on_with_fewer_ranks(cluster, submit, alone):
    lost = submit(2, 1, options=("--no-requeue",))
    lost.wait_for_checkpoint()
    cluster.lose_node("127.0.0.2")
    assert lost.end() in {"NODE_FAIL", "FAILED"}
    assert "rank 1 is gone, which ends all ranks; the same command goes on from the last checkpoint" in lost.text()
    assert not any(lost.directory.glob("artifacts/encoders/*/model.safetensors"))

    resumed = submit(1, 1, ONE_PROCESS, directory=lost.directory).completed()
    assert int(resumed.wait_for(r"resumed at update (\d+)")[1]) > 0
    same_training(resumed, alone)
    cluster.start_node("127.0.0.2")
