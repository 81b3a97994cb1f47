"""The log of a training: rows as they were logged, whatever process wrote them and however that ended."""

import pytest

from nsp_ablation.base.errors import DamageError
from nsp_ablation.reporting.records.curve_file import CurvePoint
from nsp_ablation.reporting.records.training_log import TrainingLog, read_training_log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "encoders" / "e1.csv"


def write(path, *points):
    """Log points (update, loss), ten tokens per update, in a process of their own."""
    log = TrainingLog(path)
    for update, loss in points:
        log.write(update, 10 * update, {"loss": loss})
    log.close()


def losses(path):
    return [(point.update, point.tokens, point.metrics["loss"]) for point in read_training_log(path)]


def test_what_is_logged_is_read_with_every_digit(path):
    log = TrainingLog(path)
    log.write(1, 2**40, {"a/x": 1 / 3, 'b,"y': float("inf")})
    log.write(1, 2**40, {"evaluation/z": 2.0})  # of the same update, by another part of the training
    log.close()
    metrics = {"a/x": 1 / 3, 'b,"y': float("inf"), "evaluation/z": 2.0}
    assert read_training_log(path) == [CurvePoint(1, 2**40, metrics)]


def test_no_log_has_no_points(path):
    assert read_training_log(path) == []


def test_a_resumed_training_takes_the_place_of_what_was_logged_after_its_checkpoint(path):
    write(path, (10, 5.0), (20, 4.0), (30, 3.0))
    write(path, (25, 3.5), (35, 2.5))  # from a checkpoint before update 25
    assert losses(path) == [(10, 100, 5.0), (20, 200, 4.0), (25, 250, 3.5), (35, 350, 2.5)]
    write(path, (10, 9.0))  # from the beginning
    assert losses(path) == [(10, 100, 9.0)]


@pytest.mark.parametrize("num_bytes", [1, 4, 9])
def test_half_a_row_of_a_killed_process_is_left_out_and_cut_off(path, num_bytes):
    write(path, (10, 5.0), (20, 4.0))
    content = path.read_bytes()
    path.write_bytes(content[:-num_bytes])
    assert losses(path) == [(10, 100, 5.0)]
    write(path, (20, 4.0), (30, 3.0))
    assert losses(path) == [(10, 100, 5.0), (20, 200, 4.0), (30, 300, 3.0)]
    assert path.read_bytes().startswith(content)


@pytest.mark.parametrize("header", ["", "update,to"])
def test_a_log_without_its_first_line_begins_anew(path, header):
    path.parent.mkdir(parents=True)
    path.write_text(header)
    write(path, (1, 2.0))
    assert losses(path) == [(1, 10, 2.0)]


@pytest.mark.parametrize(
    "text", ["x\n", "update,tokens,metric,value\n1,2,3\n", "update,tokens,metric,value\na,2,m,1\n"]
)
def test_a_file_that_is_no_log_is_named_with_a_remedy_that_works(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DamageError, match="e1.csv is no log of a training .*delete it"):
        read_training_log(path)
    path.unlink()
    assert read_training_log(path) == []
