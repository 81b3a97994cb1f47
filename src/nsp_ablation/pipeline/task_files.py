"""The tasks of a configuration: their files, what names their content, and their baselines, measured once."""

from dataclasses import asdict
from pathlib import Path

from nsp_ablation.base.artifact import build_once, read_json, write_json
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.tasks.baselines import Baselines, measure_baselines
from nsp_ablation.learning.tasks.blimp_files import read_minimal_pairs
from nsp_ablation.learning.tasks.readers import read_task
from nsp_ablation.learning.tasks.task_spec import HubSource, TaskSpec
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.pipeline.documents import microworld_directory
from nsp_ablation.pipeline.stores import store_key


def task_spec(config: Config, task: TaskOptions) -> TaskSpec:
    """Return the task with its files: its own `path`, else the micro-world's, else the hub's."""
    path = task.path
    if path is None and config.corpus.reader == "microworld" and TASK_KINDS[task.kind].reads != "heldout":
        path = str(microworld_directory(config.corpus, Path(config.paths.artifacts)) / "tasks" / task.name)
    hub = task.hub
    return TaskSpec(
        name=task.name,
        kind=task.kind,
        path=path,
        train_file=task.train_file,
        dev_file=task.dev_file,
        unanswerable=task.unanswerable,
        text_columns=tuple(task.text_columns),
        label_column=task.label_column,
        labels=tuple(task.labels),
        hub=HubSource(hub.path, hub.name, hub.revision, hub.split) if hub is not None else None,
        hub_dev_split=hub.dev_split if hub is not None else None,
    )


def task_fingerprint(config: Config, spec: TaskSpec) -> str:
    """Return the fingerprint of a task's examples: its files' bytes, or what pins it down on the hub.

    Raises ValueError where `path` is no directory with files.
    """
    if TASK_KINDS[spec.kind].reads == "heldout":
        return store_key(config)
    if spec.path is None:
        return fingerprint([asdict(spec.hub) if spec.hub else None, spec.hub_dev_split])
    files = sorted(path for path in Path(spec.path).rglob("*") if path.is_file())
    wanted = {name for name in (spec.train_file, spec.dev_file) if name is not None}
    missing = sorted(name for name in wanted if not (Path(spec.path) / name).is_file())
    if missing or not files:
        raise ValueError(f"tasks.{spec.name}.path={spec.path} has no file {', '.join(missing) or 'at all'}; name the "
                         "directory that holds the task's original files")  # fmt: skip
    if wanted:
        files = [Path(spec.path) / name for name in sorted(wanted)]
    return fingerprint([files_fingerprint(files), spec.text_columns, spec.label_column, spec.labels])


def check_files(config: Config, spec: TaskSpec) -> None:
    """Read a task's files once. Raises ValueError where they are unreadable, which is better known before training."""
    if spec.kind == "minimal_pairs":
        read_minimal_pairs(spec)
    elif TASK_KINDS[spec.kind].reads != "heldout":
        task_baselines(config, spec)


def task_baselines(config: Config, spec: TaskSpec) -> Baselines:
    """Return chance, majority and bag of words of a task, measured on first use and kept under the artifacts."""
    directory = Path(config.paths.artifacts) / "baselines" / task_fingerprint(config, spec)

    def build(place: Path) -> None:
        measured = measure_baselines(spec, read_task(spec, "train"), read_task(spec, "dev"))
        write_json(place / "baselines.json", asdict(measured))

    return Baselines(**read_json(build_once(directory, build) / "baselines.json"))
