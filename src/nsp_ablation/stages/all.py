"""`stage=all` and `stage=finetune`: the whole experiment of a cell, from the corpus to its records."""

from dataclasses import replace

from nsp_ablation.base.errors import InputError
from nsp_ablation.pipeline.cards import check_before_training, keep_cards
from nsp_ablation.pipeline.curves import copy_curves, missing_curves
from nsp_ablation.pipeline.encoders import encoders_of
from nsp_ablation.pipeline.finished_runs import show_finished
from nsp_ablation.pipeline.results import make_missing, results_of
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.sweep_cell import CellProgress
from nsp_ablation.stages.cell import CellRun, results_folder
from nsp_ablation.stages.needed_device import check_device_of
from nsp_ablation.stages.neighbours import as_first_named


def run(cell: CellRun) -> None:
    """Make the missing records of a cell and note the ids of all of them in it.

    Corpus -> Tokenizer -> Stores -> Feed -> Encoder -> Result: every link is named by what decides its content, so
    what is there is used, and what is missing is made from the first missing link on (pipeline/, a file per link).
    Raises InputError at the end if any record failed.
    """
    config = cell.config
    cell.hear(CellProgress("prepare"))
    # each with its corpus, tokenizer, stores and feed: pre-trained, untrained, external
    encoders = [replace(encoder, hear=cell.hear) for encoder in encoders_of(config)]
    tasks = tasks_of(config, encoders[0].stores.corpus)  # files to fine-tune on, or what a probe reads
    results = [result for encoder in encoders for result in results_of(config, encoder, tasks)]
    results = as_first_named(results, cell.neighbours)
    cell.record_ids.extend(result.id for result in results)

    folder = RecordFolder(results_folder(config))
    missing = [result for result in results if not result.is_there(folder)]
    if missing or not all(curve.is_made for curve in missing_curves(encoders, folder.path)):
        check_device_of(config)
    for task in {result.task.key: result.task for result in missing}.values():
        task.check_files()
    unready = {result.encoder.key: result.encoder for result in missing}
    keep_cards(encoders, tasks, folder.path)
    check_before_training([*unready.values()], tasks, folder.path)
    failed = make_missing(missing, folder)
    copy_curves([encoder for encoder in encoders if encoder.is_made or not failed], folder.path)
    show_finished(encoders, {result.id: result.encoder for result in results}, folder)
    if failed:
        raise InputError(failed[0] if len(failed) == 1 else f"{len(failed)} records failed, the first: {failed[0]}")
