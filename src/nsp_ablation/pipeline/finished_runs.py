"""What is complete, on the dashboard that `logger` names: written from our own files, once, whoever made them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.optional_parts import DASHBOARD_RUN, optional
from nsp_ablation.base.owned_paths import locked, owned
from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.cards import Card
from nsp_ablation.pipeline.cell_logger import encoder_names, logs_directory, record_names
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.curves import Curve
from nsp_ablation.pipeline.encoders import Encoder, TrainedEncoder
from nsp_ablation.pipeline.task_data import TaskData, tasks_of
from nsp_ablation.reporting.dashboards.finished_run import FinishedRun, RunNames, encoder_run, result_run
from nsp_ablation.reporting.dashboards.tensorboard_run import event_directory, write_tensorboard
from nsp_ablation.reporting.dashboards.wandb_run import write_wandb
from nsp_ablation.reporting.records.data_card import DataCard, card_at
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.training_log import read_training_log, training_log_path


def show_encoder(encoder: Encoder) -> None:
    """Write the run of an encoder that was trained here and is there; nothing for any other."""
    if _is_asked(encoder.config) and isinstance(encoder, TrainedEncoder) and encoder.is_made:
        names = encoder_names(encoder)
        _show(encoder.config, names, lambda: _encoder_run(encoder, names))


def show_record(encoder: Encoder, record_id: str, folder: RecordFolder) -> None:
    """Write the run of a record of an encoder, if it is done."""
    config = encoder.config
    if _is_asked(config) and folder.is_done(record_id):
        record = folder.read(record_id)
        names = record_names(encoder, record_id, is_probe=record.finetuning_seed is None)
        log = training_log_path(Path(config.paths.artifacts), "records", record_id)
        _show(
            config,
            names,
            lambda: result_run(
                names, record, read_training_log(log), folder.examples(record_id), _card(folder.path, record.card)
            ),
        )


def show_finished(encoders: Iterable[Encoder], record_ids: dict[str, Encoder], folder: RecordFolder) -> None:
    """Write the runs of encoders and of records (by id) that no dashboard has: of an earlier process, say."""
    for encoder in encoders:
        show_encoder(encoder)
    for record_id, encoder in record_ids.items():
        show_record(encoder, record_id, folder)


def _is_asked(config: Config) -> bool:
    return config.logger.name in ("wandb", "tensorboard")


def _show(config: Config, names: RunNames, make: Callable[[], FinishedRun]) -> None:
    """Write a run, unless it is there. What fails is said and left out: every number is in our own files."""
    logs = logs_directory(config)
    lock = owned(logs, "locks", f"{names.id}.lock")
    with optional(DASHBOARD_RUN, {}, lambda text: say(names.job_type, text)), locked(lock):
        if config.logger.name == "tensorboard":
            write_tensorboard(make, event_directory(logs, names.name))
        else:
            write_wandb(names.id, make, logs, config.logger)


def _encoder_run(encoder: TrainedEncoder, names: RunNames) -> FinishedRun:
    facts = read_json(encoder.make() / "pretraining.json")
    log = training_log_path(Path(encoder.config.paths.artifacts), "encoders", encoder.key)
    curve = Curve(encoder.root, encoder)
    points = curve.points() if curve.identity() is not None and curve.is_made else []
    return encoder_run(names, facts, read_training_log(log), points, _card_of(encoder))


def _card_of(encoder: TrainedEncoder) -> DataCard | None:
    """Return the data card of what an encoder read, with as few tasks as one was made with."""
    found = (card_at(Card(encoder.config, encoder.feed, tasks).path) for tasks in _tasks_of_cards(encoder))
    return next((card for card in found if card is not None), None)


def _tasks_of_cards(encoder: TrainedEncoder) -> Iterator[list[TaskData]]:
    """Yield the tasks of the cards that stages make; those that are looked for last may have files on the hub."""
    yield []
    tasks = tasks_of(encoder.config, encoder.stores.corpus)
    yield [task for task in tasks if task.facts.reads == "heldout"]
    yield tasks


def _card(results: Path, key: str | None) -> DataCard | None:
    return None if key is None else card_at(results / "cards" / f"{key}.json")
