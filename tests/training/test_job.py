"""Which of several processes this is, by what torchrun and srun set; a batch script that starts one is alone."""

import pytest

from nsp_ablation.base.process import job_rank

TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "RANK": "1", "WORLD_SIZE": "2"}
SRUN = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"}
SBATCH = {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}


@pytest.mark.parametrize(
    ("environment", "rank"),
    [({}, None), (TORCHRUN, 1), (TORCHRUN | {"WORLD_SIZE": "1", "RANK": "0"}, None), (SRUN, 3), (SBATCH, None)],
)
def test_the_rank_of_this_process(monkeypatch, environment, rank):
    for name in {*TORCHRUN, *SRUN, *SBATCH}:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert job_rank() == rank
