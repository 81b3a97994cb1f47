"""CSV, TensorBoard and wandb, without network."""

import warnings

import pytest

from nsp_ablation.learning.engine.run_loggers import close_logger, make_logger, start_wandb

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
