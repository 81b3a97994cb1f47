"""What the log says of speed."""

import csv

import pytest
from pytorch_lightning.loggers import CSVLogger

from nsp_ablation.learning.engine.training_processes import GivenRank
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain
from nsp_ablation.options.pretraining_options import PretrainingOptions

OPTIONS = PretrainingOptions(
    max_steps=4, learning_rate=1e-3, warmup_ratio=0.0, gradient_clip=0.0, checkpoint_seconds=1e9
)


@pytest.fixture
def logged(make_model, make_batch, trainer_options, frame, tmp_path):
    """logged(peak_flops): the rows of the curves of four padded updates, and the lines of progress."""

    def run(peak_flops):
        batches = [make_batch([4, 20, 6, 3], seed=step, step=step).padded(64, frame.max_length) for step in range(4)]
        logger, lines = CSVLogger(tmp_path / "logs", name=""), []
        others = {"seed": 0, "accumulation": 1, "peak_flops": peak_flops, "export": None}
        output = {"log_every": 2, "say": lines.append, "logger": logger}
        loader = lambda first_step, rank, world_size: iter(batches)  # noqa: E731
        pretrain(make_model(), loader, OPTIONS, trainer_options, GivenRank(), tmp_path / "run", **others, **output)
        logger.finalize("success")
        with open(tmp_path / "logs" / "version_0" / "metrics.csv", newline="") as file:
            return list(csv.DictReader(file)), lines

    return run


def test_curves_hold_tokens_per_second_mfu_and_the_share_of_padding(logged):
    rows, lines = logged(1e12)
    assert len(rows) == 2
    for row in rows:
        assert float(row["pretraining/padding_share"]) == pytest.approx(1 - 33 / 64)
        per_token = float(row["pretraining/mfu"]) * 1e12 / float(row["pretraining/tokens_per_second"])
        assert per_token == pytest.approx(rows_flops() / 33, rel=1e-6)
    assert "MFU" in lines[-1]
    assert "padding 48%" in lines[-1]
    assert "left" in lines[-1]


def rows_flops():
    """Three times the forward pass of 33 tokens: two layers of H = 16, I = 32, 11 predictions of 40 words, 4 pairs."""
    layers = 2 * (33 * (4 * 16**2 + 2 * 16 * 32) + 2 * 16 * (4**2 + 20**2 + 6**2 + 3**2))
    return 6 * (layers + 11 * (16**2 + 16 * 40) + 4 * (16**2 + 2 * 16))


def test_without_a_known_peak_the_log_says_no_mfu(logged):
    rows, lines = logged(None)
    assert not any("mfu" in name for name in rows[0])
    assert "MFU" not in lines[-1]
