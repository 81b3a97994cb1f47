"""The logger of one training: its log on disk, and the dashboard that is looked at meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from nsp_ablation.base.owned_paths import owned
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.run_loggers import OptionalCurves, Sink
from nsp_ablation.pipeline.cell_life import cell_key
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.encoders import Encoder
from nsp_ablation.reporting.dashboards.finished_run import RunNames, record_run_id
from nsp_ablation.reporting.dashboards.tensorboard_run import EventFile, event_directory
from nsp_ablation.reporting.dashboards.wandb_run import LiveRun, connected
from nsp_ablation.reporting.records.training_log import TrainingLog, read_training_log, training_log_path


def logs_directory(config: Config) -> Path:
    """Return where logs and what dashboards are given lie."""
    return owned(Path(config.paths.artifacts), "logs")


def encoder_names(encoder: Encoder) -> RunNames:
    """Return what the training of an encoder is called on a dashboard."""
    name = f"{encoder.group}-p{encoder.pretraining_seed}-{encoder.key[:8]}"
    return _names(encoder, encoder.key, name, "pretraining")


def record_names(encoder: Encoder, record_id: str, *, is_probe: bool) -> RunNames:
    """Return what a fine-tuning or a probe of an encoder is called on a dashboard."""
    return _names(encoder, record_run_id(record_id), record_id, "probe" if is_probe else "finetuning")


def _names(encoder: Encoder, run_id: str, name: str, job_type: str) -> RunNames:
    config = encoder.config
    experiment, cell = str(config.name), cell_key(config)
    seed = encoder.pretraining_seed
    told = {"arm": encoder.arm, "condition": asdict(encoder.condition), "science": encoder.science}
    return RunNames(
        id=run_id,
        name=name,
        group=f"{experiment} {cell}",
        job_type=job_type,
        tags=[experiment, config.corpus.name, config.model.name, *([] if seed is None else [f"seed {seed}"])],
        config={**asdict(config), **told, "experiment": experiment, "cell": cell, "pretraining_seed": seed},
    )


@contextmanager
def run_logger(config: Config, kind: str, key: str, names: RunNames) -> Iterator[OptionalCurves]:
    """Give the logger of one training, which may fail; close it at the end.

    `kind` (encoders, records) and `key` name its log, which is kept whatever `logger` is. TensorBoard shows it from
    its first update on, whichever process trained that; wandb, online, under the run's id.
    """
    path = training_log_path(Path(config.paths.artifacts), kind, key)

    def sinks() -> list[Sink]:
        found: list[Sink] = []
        if config.logger.name == "tensorboard":
            found.append(EventFile(event_directory(logs_directory(config), names.name), read_training_log(path)))
        if config.logger.name == "wandb" and not config.logger.offline:
            run = connected(names, logs_directory(config), config.logger)
            found += [] if run is None else [LiveRun(run)]
        return [TrainingLog(path), *found]

    logger = OptionalCurves(sinks, lambda text: say(names.job_type, text))
    try:
        yield logger
    finally:
        logger.close()
