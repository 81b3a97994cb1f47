"""What a training logs reaches its sinks, and no sink that fails stops it."""

from pathlib import Path

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.optional_parts import omit, optional
from nsp_ablation.learning.engine.run_loggers import OptionalCurves, WithTokens
from nsp_ablation.pipeline.cell_logger import run_logger
from nsp_ablation.reporting.dashboards.finished_run import RunNames
from nsp_ablation.reporting.records.training_log import read_training_log, training_log_path


class Kept:
    """A sink that keeps what it is told."""

    def __init__(self):
        self.rows, self.is_closed = [], False

    def write(self, update, tokens, metrics):
        self.rows.append((update, tokens, dict(metrics)))

    def close(self):
        self.is_closed = True


class Dies(Kept):
    """A sink that fails at its second row, as wandb does when its service has died."""

    def write(self, update, tokens, metrics):
        if self.rows:
            raise BrokenPipeError(32, "the service died")
        super().write(update, tokens, metrics)


def test_each_sink_is_told_the_metrics_with_the_tokens_that_were_read():
    first, second = Kept(), Kept()
    logger = OptionalCurves(lambda: [first, second], print)
    WithTokens(logger, lambda update: 100 * update).log_metrics({"loss": 1.5}, step=2)
    logger.close()
    assert first.rows == second.rows == [(2, 200, {"loss": 1.5})]
    assert first.is_closed
    assert second.is_closed


def test_curves_that_fail_are_said_once_and_noted_and_training_goes_on():
    said, kept, dies = [], Kept(), Dies()
    logger = OptionalCurves(lambda: [kept, dies], said.append)
    counted = WithTokens(logger, lambda update: update)
    for step in range(4):
        counted.log_metrics({"loss": 1.0}, step=step)
    logger.close()
    assert dies.rows == [(0, 0, {"loss": 1.0})]
    assert logger.omitted == {"curves": "BrokenPipeError: [Errno 32] the service died"}
    assert len(said) == 1
    assert "left out: BrokenPipeError" in said[0]


def test_a_dashboard_that_dies_leaves_the_log_on_disk_whole():
    kept = Kept()
    logger = OptionalCurves(lambda: [Dies(), kept], print)
    for step in range(4):
        logger.log_metrics({"loss": 1.0, "tokens": step}, step=step)
    logger.close()
    assert [row[0] for row in kept.rows] == [0, 1, 2, 3]
    assert kept.is_closed


def test_a_logger_that_cannot_start_is_left_out_but_a_users_mistake_is_not():
    def fail(error):
        raise error

    assert OptionalCurves(lambda: fail(OSError("no space")), print).omitted == {"curves": "OSError: no space"}
    with pytest.raises(InputError, match="not installed"):
        OptionalCurves(lambda: fail(InputError("tensorboard is not installed")), print)
    assert OptionalCurves(lambda: [Dies()], print).omitted == {}


def test_a_training_keeps_its_log_and_streams_to_tensorboard_what_came_before_it_too(config):
    pytest.importorskip("tensorboard")
    settings = config("logger=tensorboard")
    names = RunNames("e1", "full-p1", "study cell", "pretraining", [], {})
    for first in (1, 3):  # killed after update 2, and gone on
        with run_logger(settings, "encoders", "e1", names) as logger:
            for update in (first, first + 1):
                logger.log_metrics({"loss": 5.0 - update, "tokens": 10 * update}, step=update)
    points = read_training_log(training_log_path(Path("artifacts"), "encoders", "e1"))
    assert [(point.update, point.tokens, point.metrics["loss"]) for point in points] == [
        *((1, 10, 4.0), (2, 20, 3.0), (3, 30, 2.0), (4, 40, 1.0)),
    ]
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator("artifacts/logs/tensorboard/full-p1").Reload()
    assert [(one.step, one.value) for one in found.Scalars("loss")] == [(1, 4.0), (2, 3.0), (3, 2.0), (4, 1.0)]
    assert [one.step for one in found.Scalars("by_tokens/loss")] == [10, 20, 30, 40]


def test_only_declared_parts_may_be_left_out():
    with pytest.raises(AssertionError, match="checkpoint"), optional("checkpoint", {}, print):
        pass
    with pytest.raises(AssertionError, match="checkpoint"):
        omit("checkpoint", "", {}, print)
