"""The results of a cell, spread over the ranks that trained its encoders: one (task, seed) at a time on each."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.cell_life import Hear
from nsp_ablation.pipeline.encoders import encoders_of
from nsp_ablation.pipeline.handout import PieceEnd, Work
from nsp_ablation.pipeline.results import Result, Without, bytes_to_read, made_for, make_one, results_of
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.pipeline.task_ranks import shared_work
from nsp_ablation.reporting.records.record_folder import RecordFolder

# A network file system may show a new directory to another machine only after its cache of names has aged: 60 s in NFS.
_SEEN_SECONDS, _LOOK_SECONDS = 120.0, 0.5


def make_spread(results: list[Result], folder: RecordFolder) -> dict[str, str | None]:
    """Make the records that are not done yet, on all ranks, and return by id why each failed, None where it did not.

    Encoders are made first, by all ranks together. Each rank writes its records itself, so that those of a run that is
    killed are kept. A mistake of ours passes on when what was begun has ended.
    """
    without: Without = {}
    for result in results:
        key = result.encoder.key
        if key not in without and not folder.is_done(result.id):
            without[key] = made_for(result, folder, result.encoder.make)
    spread = [result for result in results if not without.get(result.encoder.key)]
    ends = _ends(spread, folder, without) if spread else {}
    if mistakes := [end.mistake for end in ends.values() if end.mistake is not None]:
        raise mistakes[0]
    return {
        result.id: _reason(result, ends[result.id], folder) if result in spread else make_one(result, folder, without)
        for result in results
    }


def _ends(results: list[Result], folder: RecordFolder, without: Without) -> dict[str, PieceEnd]:
    by_id = {result.id: result for result in sorted(results, key=bytes_to_read, reverse=True)}
    config, hear = results[0].config, results[0].encoder.hear
    work = partial(_make_by_id, by_id, folder, without)
    return shared_work(config, [*by_id], work, partial(work_of, config, folder.path), hear)


def _make_by_id(results: dict[str, Result], folder: RecordFolder, without: Without, name: str) -> str | None:
    return make_one(results[name], folder, without)


def _reason(result: Result, end: PieceEnd, folder: RecordFolder) -> str | None:
    """Return why a record failed; that of a rank that was lost is written here, unless it was done before."""
    if not end.is_lost or end.reason is None:
        return end.reason
    if folder.is_done(result.id):
        return None
    result.fail(folder, end.reason)
    return end.reason


def work_of(config: Config, folder: Path, hear: Hear) -> Work:
    """Return what makes a record by its id in another rank, where the first one has made the encoders."""
    encoders = [replace(encoder, hear=hear) for encoder in encoders_of(config)]
    tasks = tasks_of(config, encoders[0].stores.corpus)
    results = {result.id: result for encoder in encoders for result in results_of(config, encoder, tasks)}
    return partial(_make_where_seen, results, RecordFolder(folder))


def _make_where_seen(results: dict[str, Result], folder: RecordFolder, name: str) -> str | None:
    """Make a record, once this machine sees the encoder that another may have made just now."""
    result = results[name]
    deadline = time.monotonic() + _SEEN_SECONDS
    while not result.encoder.is_made:
        if time.monotonic() >= deadline:
            reason = f"{result.encoder.directory} is not seen by every rank; give all machines the same paths.artifacts"
            result.fail(folder, reason)
            return reason
        time.sleep(_LOOK_SECONDS)
    return make_one(result, folder, {})
