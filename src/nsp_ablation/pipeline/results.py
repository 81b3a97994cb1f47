"""`stage=finetune`: every arm of a cell on every task and fine-tuning seed; one record each, and none made twice."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from nsp_ablation.config.schema import Config
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.pipeline.arms import Arm, arms_of
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.provenance import provenance
from nsp_ablation.pipeline.task_files import check_files, resolved_tasks, task_fingerprint
from nsp_ablation.reporting.records.record import FinetuningFacts, Provenance, ResultRecord, record_id
from nsp_ablation.reporting.records.record_folder import RecordFolder


@dataclasses.dataclass(frozen=True)
class _Run:
    """One record to make: an arm on a task; the seed is None for a zero-shot probe, which has none."""

    arm: Arm
    task: TaskOptions
    seed: int | None
    record: str


def finetune_cell(config: Config, record_ids: list[str]) -> None:
    """Make the missing records of a cell and note the ids of all of them in `record_ids`.

    A run that fails leaves a failed record, and the others go on. Raises ValueError at the end if any failed.
    """
    folder = RecordFolder(Path(config.paths.results) / str(config.name))
    runs = list(_runs(config))
    record_ids += [run.record for run in runs]
    missing = [run for run in runs if not folder.is_done(run.record)]
    for task in {run.task.name: run.task for run in missing}.values():
        check_files(config, task)
    failed = []
    for run in missing:
        # Two sweeps at once may both want the untrained encoder's record; the second then finds it done.
        lock = Path(config.paths.artifacts) / "locks" / f"{run.record}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if not folder.is_done(run.record) and (reason := _try(config, folder, run)):
                failed.append(f"{run.record}: {reason}")
    if failed:
        raise ValueError(failed[0] if len(failed) == 1 else f"{len(failed)} records failed, the first: {failed[0]}")


def _runs(config: Config) -> Iterator[_Run]:
    tasks = resolved_tasks(config)
    data = {task.name: task_fingerprint(config, task) for task in tasks}
    for arm in arms_of(config):
        for task in tasks:
            for seed in _seeds(config, task):
                name = record_id(
                    *(arm.kind, arm.condition, task.name, arm.pretraining_seed, seed),
                    science=arm.science,
                    encoder=arm.encoder_name,
                    task_data=data[task.name],
                )
                yield _Run(arm, task, seed, name)


def _seeds(config: Config, task: TaskOptions) -> list[int] | list[None]:
    return [None] if TASK_KINDS[task.kind].is_probe else config.finetuning.seeds


def _try(config: Config, folder: RecordFolder, run: _Run) -> str | None:
    """Make one record, done or failed; return the reason if it failed.

    A mistake of ours (no ValueError) is recorded as failed too, and passes on to stop the cell with its traceback.
    """
    try:
        _make(config, folder, run)
    except Exception as error:
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        failure = {"status": "failed", "reason": " ".join(reason.split())}
        folder.write_failed(run.record, _blank(config, run, "unknown", "unknown", failure))
        if not isinstance(error, ValueError):
            raise
        return reason
    return None


def _make(config: Config, folder: RecordFolder, run: _Run) -> None:
    from nsp_ablation.pipeline.evaluate import evaluate

    directory = run.arm.directory()
    state = Path(config.paths.artifacts) / "runs" / run.record
    outcome, device, backend = evaluate(config, run.arm, run.task, run.seed, directory, state)
    done = {
        "status": "done",
        "metrics": outcome.metrics,
        "primary_metric": run.task.metric,
        **dataclasses.asdict(outcome.baselines),
        "pretraining": run.arm.facts(),
        "finetuning": FinetuningFacts(outcome.updates, outcome.seconds),
        "encoder": run.arm.reference(Path(config.paths.artifacts)),
    }
    record = _blank(config, run, device, backend, done)
    folder.write(run.record, record, outcome.scores, outcome.example_ids, outcome.predictions)
    shutil.rmtree(state, ignore_errors=True)
    score = outcome.metrics[run.task.metric]
    say("finetune", f"{run.record}: {run.task.metric} {score:.3f} ({outcome.seconds:.1f} s)")


def _blank(config: Config, run: _Run, device: str, backend: str, outcome: dict) -> ResultRecord:
    return ResultRecord(
        name=str(config.name),
        arm=run.arm.kind,
        condition=run.arm.condition,
        science=run.arm.science,
        pretraining_seed=run.arm.pretraining_seed,
        finetuning_seed=run.seed,
        task=run.task.name,
        config=dataclasses.asdict(config),
        provenance=Provenance(**provenance(device, backend)),
        **outcome,
    )
