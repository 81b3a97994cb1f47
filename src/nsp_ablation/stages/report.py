"""`stage=report` and the end of every sweep: which cells there are, how they ended, and their comparison table."""

import datetime
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path

from nsp_ablation.base.artifact import whole_directory
from nsp_ablation.base.errors import StatedError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.optional_parts import DASHBOARD_PAGES, DASHBOARD_TABLE, optional
from nsp_ablation.base.owned_paths import locked, owned
from nsp_ablation.base.process import job_rank
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import leaves
from nsp_ablation.pipeline.cell_life import cell_key
from nsp_ablation.pipeline.console import say, say_error
from nsp_ablation.reporting.analysis.make_report import Report, report_of
from nsp_ablation.reporting.analysis.study import Study, load_study
from nsp_ablation.reporting.records.anonymity import places_of
from nsp_ablation.reporting.records.manifest import Manifest, is_sweep_open
from nsp_ablation.reporting.records.manifest import sweep as manifest_of
from nsp_ablation.reporting.records.public_copy import write_public_study
from nsp_ablation.reporting.records.sweep_cell import KILLED, SweepCell
from nsp_ablation.reporting.render.outputs import write_report
from nsp_ablation.reporting.render.terminal import terminal_text
from nsp_ablation.stages.cell import MAKING_STAGES, results_folder

_TERMINAL_WIDTH = 100
_ENDS = {
    "planned": "never ended",
    "running": "still runs in another process",
    "stopped": "was stopped",
    KILLED: "never ended, and no process runs it any more",
}


@contextmanager
def sweep(configs: list[Config], overrides: list[list[str]], command: str) -> Iterator[None]:
    """Hold the manifest of a sweep whose cells make records, so that its table covers them and no others."""
    if configs[0].stage not in MAKING_STAGES or not _is_first():
        yield
        return
    keys = [cell_key(config) for config in configs]
    cells = [SweepCell(key, words, [], "planned", None) for key, words in zip(keys, overrides, strict=True)]
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with manifest_of(results_folder(configs[0]), Manifest(command, now, cells)):
        yield


def finish_sweep(configs: list[Config]) -> int:
    """Print the table of the newest sweep, write its report and return the exit status.

    Of a sweep that ends here the status is 0 only if every cell is done; of one that is looked at (`stage=report`), if
    every cell is done or may still be. It is read from disk, so it holds for any launcher.
    """
    if not _is_first():
        return 0
    config = configs[0]
    places = places_of(asdict(config))
    try:
        folder = results_folder(config)
        with locked(owned(folder, ".report.lock")) if folder.is_dir() else nullcontext():
            study = load_study(folder, str(config.name), config.report, _not_science(config), places)
            report = report_of(study)
            trouble = write_report(folder / "report", report)
            if config.report.public_copy is not None:
                _publish(study, report, Path(config.report.public_copy))
    except StatedError as error:
        for line in str(error).splitlines():
            say_error(line)
        return 1
    text = terminal_text(report, folder / "report", trouble, color=sys.stdout.isatty(), width=_TERMINAL_WIDTH)
    print(f"\n{text}", flush=True)
    if config.logger.name == "wandb":
        _show(config, report)
    cells = report.manifest.cells if report.manifest else []
    if config.stage in MAKING_STAGES:
        own = {cell_key(config) for config in configs}
        return _status([cell for cell in cells if cell.key in own], {"done"})
    return _status(cells, {"done", "running", *(["planned"] if is_sweep_open(folder) else [])})


def _publish(study: Study, report: Report, target: Path) -> None:
    """Write a copy of the study and its report that names no person and no machine; it appears whole.

    With report.all it has no manifest, which would be the newest sweep's: who reads it sees all of it, as here.
    """
    with whole_directory(target) as temporary:
        records = [(record, study.folders.homes[key].path) for key, record in study.records.items()]
        write_public_study(temporary, records, None if study.options.all else study.manifest)
        write_report(temporary / "report", report)
    say("report", f"public copy of {len(records)} records -> {target}")


def _status(cells: list[SweepCell], sound: set[str]) -> int:
    """Return the exit status, 0 where every cell is in one of the `sound` states; say what to do about the others.

    A failed cell has said so itself, and stands below the table.
    """
    lost = [cell for cell in cells if cell.status not in sound]
    for cell in lost:
        if cell.status != "failed":
            say_error(f"cell {cell.key} {_ENDS[cell.status]}; run the command of its sweep again, and it goes on")
    return 1 if lost else 0


def _not_science(config: Config) -> frozenset[str]:
    """Return the dotted keys of settings that never change a result."""
    fields = ((path.partition("[")[0], field) for path, field, _ in leaves(config))
    return frozenset(path for path, field in fields if field.metadata["kind"] != "science")


def _show(config: Config, report: Report) -> None:
    """Write the report as a run on wandb and, for `stage=report`, online, build its workspace and report page there."""
    from nsp_ablation.reporting.dashboards.report_run import report_run
    from nsp_ablation.reporting.dashboards.wandb_run import write_wandb

    logs, sent = owned(Path(config.paths.artifacts), "logs"), None
    with optional(DASHBOARD_TABLE, {}, lambda text: say("report", text)):
        finished = report_run(report)
        sent = write_wandb(finished.names.id, lambda: finished, logs, config.logger)
    if config.logger.offline or config.stage != "report":
        return
    if sent is None:
        say("report", "no workspace and no report page: wandb was not reached; the same command makes them later")
        return
    from nsp_ablation.reporting.dashboards.saved_pages import save_pages
    from nsp_ablation.reporting.dashboards.wandb_pages import WandbPages

    kept = owned(logs, "wandb", "pages", f"{fingerprint([sent.entity, sent.project, report.name])}.json")
    with optional(DASHBOARD_PAGES, {}, lambda text: say("report", text)):
        for what, url in save_pages(WandbPages(report, sent.entity, sent.project), kept).items():
            say("report", f"{what} -> {url}")


def _is_first() -> bool:
    """Whether this process speaks for its job: of several under torchrun or srun, the first does."""
    return job_rank() in (None, 0)
