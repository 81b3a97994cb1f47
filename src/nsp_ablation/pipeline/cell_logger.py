"""The logger of one training run: grouped by condition, tagged by what it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from nsp_ablation.base.owned_paths import owned
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.run_loggers import OptionalCurves, make_logger
from nsp_ablation.pipeline.console import say


@contextmanager
def run_logger(config: Config, group: str, job_type: str, name: str, run_id: str) -> Iterator[OptionalCurves]:
    """Give the configured logger of one pre-training or fine-tuning (`job_type`), which may fail; close it at the end.

    `group` pools the seeds of an arm; curves of CSV and TensorBoard lie under the artifacts.
    `run_id` is that of the thing that is trained, so that on wandb its resumption is the same run.
    """
    tags = [str(config.name), config.corpus.name, config.model.name, f"seed {config.seed}"]
    make = partial(
        make_logger,
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
    logger = OptionalCurves(make, lambda text: say(job_type, text))
    try:
        yield logger
    finally:
        logger.close()
