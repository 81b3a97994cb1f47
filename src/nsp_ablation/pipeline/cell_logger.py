"""The logger of one training run: grouped by condition, tagged by what it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nsp_ablation.base.owned_paths import owned
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.run_loggers import close_logger, make_logger

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


@contextmanager
def run_logger(config: Config, group: str, job_type: str, name: str, run_id: str) -> Iterator["Logger"]:
    """Give the configured logger of one pre-training or fine-tuning (`job_type`) and close it at the end.

    `group` pools the seeds of an arm; curves of CSV and TensorBoard lie under the artifacts.
    `run_id` is that of the thing that is trained, so that on wandb its resumption is the same run.
    """
    tags = [str(config.name), config.corpus.name, config.model.name, f"seed {config.seed}"]
    logger = make_logger(
        config.logger.name,
        directory=owned(Path(config.paths.artifacts), "logs", group, name),
        project=config.logger.project,
        entity=config.logger.entity,
        offline=config.logger.offline,
        run_id=run_id,
        group=group,
        tags=tags,
        job_type=job_type,
        name=f"{group}-{name}",
        config=asdict(config),
    )
    try:
        yield logger
    finally:
        close_logger(logger)
