"""The last link: a result, one encoder on one task and fine-tuning seed, kept as a record beside its scores."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import StatedError
from nsp_ablation.base.kernel_locks import LockHeldError
from nsp_ablation.base.owned_paths import locked, owned, remove_own
from nsp_ablation.base.process import heavy_imports
from nsp_ablation.base.visible_files import files_below
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.tasks.task_files import split_files
from nsp_ablation.pipeline.cards import card_of
from nsp_ablation.pipeline.chain import MAKERS, RUN_FILES
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.encoders import Encoder
from nsp_ablation.pipeline.provenance import provenance
from nsp_ablation.pipeline.selections import Selection, selection_of
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.reporting.records.anonymity import own_names, places_of
from nsp_ablation.reporting.records.example_scores import ExampleScores
from nsp_ablation.reporting.records.record import FinetuningFacts, ResultRecord, record_id
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.taking_over import other_studies, take_over

Without = dict[str, str | None]  # by an encoder's key why it cannot be had, None where it can


@dataclass(frozen=True, eq=False)
class Result:
    """One record to make; the seed is None for a zero-shot probe, which has none. `card` is the key of the data card,
    None for an encoder that is not trained here."""

    config: Config
    encoder: Encoder
    task: TaskData
    seed: int | None
    card: str | None = None

    @cached_property
    def selection(self) -> Selection | None:
        """The choice of the recipe, None where it is given or nothing is trained."""
        return selection_of(self.config, self.encoder, self.task)

    @cached_property
    def id(self) -> str:
        """The readable, unique name of the record, known before it is made."""
        encoder, options = self.encoder, self.task.options
        heldout = [encoder.stores.key, self.config.corpus.heldout_part] if self.task.facts.reads == "heldout" else None
        chosen = [self.selection.key] if self.selection else []
        return record_id(
            encoder.arm,
            encoder.condition,
            options.name,
            encoder.pretraining_seed,
            self.seed,
            science=encoder.science,
            encoder=encoder.label,
            content=[MAKERS["records"], encoder.key, self.task.key, heldout, self.config.corpus.seed, *chosen],
        )

    def made_from(self) -> list[str]:
        """Return the names (`<kind>/<key>`) of the artifacts that the record needs."""
        data = self.encoder.stores if self.task.facts.reads == "heldout" else self.task
        names = [self.encoder.name, data.name, *([f"cards/{self.card}"] if self.card else [])]
        return [*names, *([self.selection.name] if self.selection else [])]

    def is_there(self, folder: RecordFolder) -> bool:
        """Say whether the record is done, or is now, taken over from another study under paths.results."""
        if folder.is_done(self.id):
            return True
        others = other_studies(Path(self.config.paths.results), folder)
        return take_over(folder, self.id, others, self._as_own, lambda text: say("finetune", text))

    def make(self, folder: RecordFolder) -> None:
        """Evaluate the encoder and write the record, done. Raises InputError where that is not possible."""
        with heavy_imports():
            from nsp_ablation.pipeline.device import model_threads
            from nsp_ablation.pipeline.evaluation import evaluate
            from nsp_ablation.pipeline.finished_runs import show_record

        encoder, metric, selection = self.encoder, self.task.options.metric, self.selection
        state = owned(encoder.root, "runs", self.id)
        with model_threads(self.config.model.num_threads):
            outcome, device, backend, omitted = evaluate(self.config, encoder, self.task, self.seed, state)
        done = {
            "status": "done",
            "metrics": outcome.metrics,
            "primary_metric": metric,
            **asdict(outcome.baselines),
            "pretraining": encoder.facts(),
            "finetuning": FinetuningFacts(outcome.updates, outcome.seconds, selection.facts() if selection else None),
            "encoder": encoder.reference(),
            "made_from": self.made_from(),
            "omitted": _omitted(encoder) | omitted,
        }
        examples = ExampleScores(outcome.example_ids, outcome.clusters, outcome.items, outcome.scores)
        folder.write(self.id, self._record(device, backend, done), examples, outcome.predictions)
        remove_own(state, *RUN_FILES)
        say("finetune", f"{self.id}: {metric} {outcome.metrics[metric]:.3f} ({outcome.seconds:.1f} s)")
        show_record(encoder, self.id, folder)

    def fail(self, folder: RecordFolder, reason: str) -> None:
        """Write the record, failed."""
        failure = {"status": "failed", "reason": " ".join(reason.split())}
        folder.write_failed(self.id, self._record("unknown", "unknown", failure))

    def _as_own(self, record: ResultRecord, other: RecordFolder) -> ResultRecord:
        """Return a record of another study as this one has it: what identifies nothing is named as here."""
        root = Path(self.config.paths.results).resolve()
        return replace(
            record,
            name=str(self.config.name),
            condition=self.encoder.condition,
            origin=record.origin or other.path.resolve().relative_to(root).as_posix(),
        )

    def _record(self, device: str, backend: str, outcome: dict[str, Any]) -> ResultRecord:
        encoder, names, settings = self.encoder, own_names(), asdict(self.config)
        record = ResultRecord(
            name=str(self.config.name),
            arm=encoder.arm,
            condition=encoder.condition,
            science=encoder.science,
            card=self.card,
            pretraining_seed=encoder.pretraining_seed,
            finetuning_seed=self.seed,
            task=self.task.options.name,
            config=settings,
            provenance=provenance(device, backend),
            private={"directory": str(Path.cwd()), "host": names.get("[host]"), "user": names.get("[user]")},
            **outcome,
        )
        return record.anonymous(places_of(settings))


def _omitted(encoder: Encoder) -> dict[str, str]:
    """Return the optional parts that were left out where an encoder of ours was made, with the reason."""
    return read_json(encoder.make() / "pretraining.json")["omitted"] if encoder.arm == "trained" else {}


def results_of(config: Config, encoder: Encoder, tasks: list[TaskData]) -> list[Result]:
    """Return an encoder's results, task by task and fine-tuning seed by fine-tuning seed."""
    card = card_of(encoder, tasks)
    return [
        Result(config, encoder, task, seed, card.key if card else None)
        for task in tasks
        for seed in ([None] if task.facts.is_probe else config.finetuning.seeds)
    ]


def make_missing(results: list[Result], folder: RecordFolder) -> list[str]:
    """Make the records that are not done yet and return what failed, a line each: a failed one, and the others go on.

    An encoder that cannot be had fails all of its results at once. A mistake of ours (no StatedError) is recorded as
    failed too, and passes on. Where several processes train an encoder, they share its results. The untrained encoder's
    come last and longest first, and one that another process makes just now is looked at again later: so cells that run
    at once share them, and end at about the same time.
    """
    trainer = results[0].config.trainer if results else None
    if trainer is not None and trainer.devices * trainer.num_nodes > 1:
        with heavy_imports():
            from nsp_ablation.pipeline.spread_results import make_spread

        reasons = make_spread(results, folder)
    else:
        own = [result for result in results if result.encoder.arm != "random"]
        shared = [result for result in results if result.encoder.arm == "random"]
        reasons = _make_in_turn([*own, *sorted(shared, key=bytes_to_read, reverse=True)], folder)
    return [f"{name}: {reason}" for name, reason in reasons.items() if reason is not None]


def bytes_to_read(result: Result) -> float:
    """Return about how many bytes of text a result reads with gradients, by which the longest come first.

    Files on the hub, whose size is not known here, are taken for long, and probes, which train nothing, for short.
    """
    task = result.task
    if result.seed is None:
        return 0.0
    if task.options.path is None:
        return math.inf
    paths = split_files(task.options, "train")
    files = [file for path in paths for file in (files_below(path) if path.is_dir() else [path])]
    passes = result.config.finetuning.recipe_of(task.options.name).num_epochs
    return sum(file.stat().st_size for file in files) * task.facts.readings * passes


def _make_in_turn(results: list[Result], folder: RecordFolder) -> dict[str, str | None]:
    """Make records one by one; return by id why each failed. Waits only where all that are left are made by others."""
    without: Without = {}
    reasons: dict[str, str | None] = {}
    waits = False
    while left := [result for result in results if result.id not in reasons]:
        num_before = len(reasons)
        for result in left:
            with ExitStack() as held:
                try:
                    held.enter_context(_lock_of(result, timeout_seconds=None if waits else 0))
                except LockHeldError:
                    continue
                waits = False
                reasons[result.id] = _make_locked(result, folder, without)
        waits = len(reasons) == num_before
    return reasons


def make_one(result: Result, folder: RecordFolder, without: Without) -> str | None:
    """Make a record unless it is there, and return why that failed, None if it did not.

    `without` gets, by key, why an encoder cannot be had, None where it can.
    """
    with _lock_of(result):
        return _make_locked(result, folder, without)


def _lock_of(result: Result, timeout_seconds: float | None = None) -> AbstractContextManager[None]:
    """Of two sweeps that both want a record, the second then finds it done."""
    return locked(owned(result.encoder.root, "locks", f"{result.id}.lock"), timeout_seconds)


def _make_locked(result: Result, folder: RecordFolder, without: Without) -> str | None:
    if result.is_there(folder):
        return None
    key = result.encoder.key
    if key not in without:
        without[key] = made_for(result, folder, result.encoder.make)
    reason = without[key] or made_for(result, folder, lambda: result.make(folder))
    if reason is not None:
        result.fail(folder, reason)
    return reason


def made_for(result: Result, folder: RecordFolder, make: Callable[[], object]) -> str | None:
    """Make something for a record; return why that failed, or None. A mistake of ours fails it, too, and passes on."""
    try:
        make()
    except StatedError as error:
        return str(error)
    except Exception as error:
        result.fail(folder, f"{type(error).__name__}: {error}")
        raise
    return None
