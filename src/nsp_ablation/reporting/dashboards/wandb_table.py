"""The comparison table on a wandb dashboard: every number and its point, not means alone."""

from pathlib import Path

from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.run_loggers import log_tables
from nsp_ablation.reporting.analysis.study import StudyInfo, load_study
from nsp_ablation.reporting.render.tables import long_rows, point_rows


def log_table(config: Config, folder: Path) -> None:
    """Log the sweep's long table and its single points as a run of their own (`job_type` report)."""
    study = load_study(folder, StudyInfo(name=str(config.name)))
    log_tables(
        {"table": long_rows(study), "points": point_rows(study)},
        directory=Path(config.paths.artifacts) / "logs" / "report",
        project=config.logger.project,
        entity=config.logger.entity,
        offline=config.logger.offline,
        name=f"{config.name} report",
    )
