"""CSV, TensorBoard and wandb, without network."""

import warnings

import pytest
from pytorch_lightning.loggers import Logger

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.optional_parts import omit, optional
from nsp_ablation.learning.engine.run_loggers import OptionalCurves, close_logger, make_logger, start_wandb

SETTINGS = {
    "project": "p",
    "entity": None,
    "offline": True,
    "group": "full",
    "tags": ["seed 1"],
    "job_type": "pretraining",
    "name": "full-1",
    "run_id": "e1",
    "config": {"seed": 1, "model": {"name": "micro"}},
}


def test_csv_keeps_the_curves_of_an_interrupted_run(tmp_path):
    for step in (2, 4):
        logger = make_logger("csv", directory=tmp_path / "logs", **SETTINGS)
        logger.log_metrics({"loss": 1.5}, step=step)
        close_logger(logger)
    files = [(tmp_path / "logs" / f"version_{n}" / "metrics.csv").read_text().split() for n in (0, 1)]
    assert files == [["loss,step", "1.5,2"], ["loss,step", "1.5,4"]]


def test_tensorboard_writes_event_files(tmp_path):
    pytest.importorskip("tensorboard")
    logger = make_logger("tensorboard", directory=tmp_path, **SETTINGS)
    logger.log_metrics({"loss": 1.5}, step=2)
    close_logger(logger)
    assert list(tmp_path.rglob("events.out.tfevents.*"))


def test_tensorboard_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("nsp_ablation.learning.engine.run_loggers.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="logger=tensorboard needs the package tensorboard"):
        make_logger("tensorboard", directory=tmp_path, **SETTINGS)


@pytest.fixture
def started(monkeypatch):
    """What `wandb.init` is told; nothing is started."""
    import wandb

    calls = []
    monkeypatch.setattr(wandb, "init", lambda **settings: calls.append(settings))
    return calls


def test_a_run_of_one_id_is_gone_on_with(started):
    for offline in (False, True):
        start_wandb(offline, "e1", name="full-1")
    start_wandb(False, name="report")
    assert [(call["mode"], call["id"], call.get("resume")) for call in started] == [
        ("online", "e1", "allow"),
        ("offline", "e1", None),
        ("online", None, None),
    ]


def test_names_and_tags_are_cut_to_what_wandb_takes_and_stay_different(started):
    long, other = "x" * 200, "x" * 199 + "y"
    start_wandb(True, name=long, group=other, tags=[long, other, "seed 1", "seed 1"], project="p", entity=None)
    (call,) = started
    tags = call["tags"]
    assert (len(call["name"]), len(call["group"])) == (128, 128)
    assert call["name"] != call["group"]
    assert ([len(tag) for tag in tags], tags[2]) == ([64, 64, 6], "seed 1")
    assert tags[0] != tags[1]
    wandb = pytest.importorskip("wandb")
    assert wandb.Settings(run_tags=tags, project=call["project"]).run_tags == tuple(tags)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_wandb_records_runs_offline(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("first", "second"):  # two runs of one process
        logger = make_logger("wandb", directory=tmp_path / name, **SETTINGS)
        logger.log_metrics({"loss": 1.5}, step=2)
        close_logger(logger)
        assert len(list((tmp_path / name).rglob("*.wandb"))) == 1


@pytest.mark.slow
def test_online_without_a_key_warns_and_goes_on_offline(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logger = make_logger("wandb", directory=tmp_path, **{**SETTINGS, "offline": False})
        close_logger(logger)
    assert any("wandb is not reachable" in str(warning.message) for warning in caught)
    assert list(tmp_path.rglob("offline-run-*"))


class Dies(Logger):
    """A logger that fails at its second metrics, as wandb does when its service has died."""

    name, version = "dies", 0

    def __init__(self):
        super().__init__()
        self.logged = []

    def log_metrics(self, metrics, step=None):
        if self.logged:
            raise BrokenPipeError(32, "the service died")
        self.logged.append((metrics, step))

    def log_hyperparams(self, params):
        pass

    def finalize(self, status):
        raise BrokenPipeError(32, "the service died")


def test_curves_that_fail_are_said_once_and_noted_and_training_goes_on():
    said, inner = [], Dies()
    logger = OptionalCurves(lambda: inner, said.append)
    for step in range(4):
        logger.log_metrics({"loss": 1.0}, step=step)
    logger.save()
    logger.close()
    assert inner.logged == [({"loss": 1.0}, 0)]
    assert logger.omitted == {"curves": "BrokenPipeError: [Errno 32] the service died"}
    assert len(said) == 1
    assert "left out: BrokenPipeError" in said[0]


def test_a_logger_that_cannot_start_is_left_out_but_a_users_mistake_is_not():
    def fail(error):
        raise error

    assert OptionalCurves(lambda: fail(OSError("no space")), print).omitted == {"curves": "OSError: no space"}
    with pytest.raises(InputError, match="not installed"):
        OptionalCurves(lambda: fail(InputError("tensorboard is not installed")), print)
    assert OptionalCurves(Dies, print).omitted == {}


def test_only_declared_parts_may_be_left_out():
    with pytest.raises(AssertionError, match="checkpoint"), optional("checkpoint", {}, print):
        pass
    with pytest.raises(AssertionError, match="checkpoint"):
        omit("checkpoint", "", {}, print)
