"""Facts beside the scores: what each pre-training did, where results come from, and what to be warned of."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from nsp_ablation.reporting.analysis.plateau_exits import exit_text, exits_of
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.sweep_cell import KILLED, SweepCell
from nsp_ablation.reporting.records.training_facts import PretrainingFacts

_UNFINISHED = {
    "planned": "are not finished",
    "stopped": "were stopped, and go on with the same command",
    KILLED: "were killed, and go on with the same command",
}
_Value = Callable[[PretrainingFacts], float | None]


@dataclass(frozen=True)
class FactsTable:
    """A table of text: column heads, and rows of cells; the first column holds labels and has no head."""

    heads: list[str]
    rows: list[list[str]]

    def on_its_side(self) -> "FactsTable":
        """Return the table with its columns as rows, and with the labels of its rows as heads."""
        if not self.rows:
            return self
        heads, *rows = (list(texts) for texts in zip(self.heads, *self.rows, strict=True))
        return FactsTable(heads, rows)


def majority_accuracy(realised_random_next: float | None) -> float | None:
    """Return the accuracy of always giving the likelier NSP label; .5 is no yardstick where P(random) is .53 to .59."""
    return None if realised_random_next is None else max(realised_random_next, 1 - realised_random_next)


def _millions(count: int | None) -> float | None:
    return None if count is None else count / 1e6


def _share(count: int | None, of: int) -> float | None:
    return None if count is None else count / (of or 1)


_COLUMNS: tuple[tuple[str, _Value, str], ...] = (
    ("updates", lambda facts: facts.updates, "{:,.0f}"),
    ("M tokens", lambda facts: facts.tokens / 1e6, "{:,.2f}"),
    ("special tokens", lambda facts: _share(facts.special_tokens, facts.tokens), "{:.2%}"),
    ("M maskable tokens", lambda facts: _millions(facts.maskable_tokens), "{:,.2f}"),
    ("M predictions", lambda facts: facts.predictions / 1e6, "{:,.3f}"),
    ("M corpus tokens read once or more", lambda facts: _millions(facts.unique_tokens), "{:,.2f}"),
    ("padding", lambda facts: facts.padding_tokens / ((facts.tokens + facts.padding_tokens) or 1), "{:.1%}"),
    ("sequences", lambda facts: facts.sequences, "{:,.0f}"),
    ("passes", lambda facts: facts.passes, "{:.2f}"),
    ("trimmed tokens", lambda facts: facts.trimmed_tokens, "{:,.0f}"),
    ("P(random next)", lambda facts: facts.realised_random_next, "{:.3f}"),
    ("NSP accuracy", lambda facts: facts.nsp_accuracy, "{:.1%}"),
    ("NSP majority", lambda facts: majority_accuracy(facts.realised_random_next), "{:.1%}"),
    ("MLM loss", lambda facts: facts.mlm_loss, "{:.3f}"),
    ("seconds", lambda facts: facts.seconds, "{:,.0f}"),
)


def pretraining_table(study: Study) -> FactsTable:
    """Return one row per trained arm: means over its pre-training seeds; columns that no arm has are left out."""
    facts = {}
    for arm in study.scores.arms:
        # of each pre-training once, though every task's record repeats them
        found = {record.pretraining_seed: record.pretraining for record in study.of_arm(arm) if record.pretraining}
        if found and arm.kind == "trained":
            facts[arm] = list(found.values())
    heads, columns = [""], [[study.labels[arm] for arm in facts]]
    for head, value_of, form in _COLUMNS:
        means = [_mean([value_of(one) for one in found]) for found in facts.values()]
        if any(mean is not None for mean in means):
            heads.append(head)
            columns.append(["–" if mean is None else form.format(mean) for mean in means])
    exits = [exits_of(study, arm) for arm in facts]  # of which a mean would leave out runs that never left it
    if any(exits):
        heads.append("plateau left, M tokens")
        columns.append([exit_text(found) for found in exits])
    return FactsTable(heads, [list(row) for row in zip(*columns, strict=True)])


def _mean(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if present else None


def provenance_table(study: Study) -> FactsTable:
    """Return one row per distinct origin: how many records, of which study where they were taken over from another,
    and commit, device, attention backend and versions."""
    counts = Counter((record.origin or "", *_origin(record)) for record in study.records.values())
    rows = [
        [f"{count} record{'s' if count > 1 else ''}" + (f", taken over from {key[0]}" if key[0] else ""), *key[1:]]
        for key, count in counts.items()
    ]
    return FactsTable(["", "commit", "device", "attention", "python", "versions"], rows)


def _origin(record: ResultRecord) -> tuple[str, ...]:
    origin = record.provenance
    commit = (origin.commit or "no checkout")[:12] + (" + changes" if origin.dirty else "")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(origin.versions.items()))
    return commit, origin.device, origin.attention_backend, origin.python, versions


def failures(study: Study) -> list[str]:
    """Return one line per failure: failed cells of the sweep, then failed records of cells that are not among these."""
    cells = [cell for cell in study.cells if cell.status == "failed"]
    told = {record_id for cell in cells for record_id in cell.records}
    failed = {key: record for key, record in study.records.items() if record.status == "failed" and key not in told}
    lines = [f"{cell.key}: {cell.reason or 'failed'}" for cell in cells]
    return lines + [f"{record_id}: {record.reason}" for record_id, record in failed.items()]


def warnings(study: Study) -> list[str]:
    """Return what a reader must know before comparing rows."""
    done = [record for record in study.records.values() if record.status == "done"]
    origins = {
        "kind of device": {one.provenance.device.split()[0] for one in done if one.provenance.device},
        # of arms that were pre-trained; the others have none of pre-training
        "attention backend": {one.provenance.attention_backend for one in done if one.arm == "trained"},
        "commit": {(one.provenance.commit or "no checkout")[:12] for one in done},
    }
    older = study.folders.older
    found = [*([older] if older else []), *study.folders.warnings, *study.scores.warnings]
    for what, values in origins.items():
        if len(values) > 1:
            found.append(f"results differ in {what}: {', '.join(sorted(values))}")
    unclean = sum(bool(record.provenance.dirty) for record in study.records.values())
    if unclean:
        found.append(f"{unclean} of {len(study.records)} records come from a checkout with uncommitted changes")
    return found + _omitted(study.records.values()) + _unfinished(study.cells)


def _omitted(records: Iterable[ResultRecord]) -> list[str]:
    """Return a line per optional part that was left out, with the reason and the number of records."""
    counts = Counter(item for record in records for item in record.omitted.items())
    return [
        f"{part.replace('_', ' ')} left out, {why} ({count} record{'s' if count > 1 else ''})"
        for (part, why), count in counts.items()
    ]


def _unfinished(cells: list[SweepCell]) -> list[str]:
    """Return a line per running cell, with its progress, and one for each other state that is no end."""
    lines = [f"running: {cell.key} ({_life(cell)})" for cell in cells if cell.status == "running"]
    for status, words in _UNFINISHED.items():
        keys = [cell.key for cell in cells if cell.status == status]
        lines += [f"cells of the sweep that {words}: {', '.join(keys)}"] if keys else []
    return lines


def _life(cell: SweepCell) -> str:
    parts = [cell.progress.text()] if cell.progress else []
    return ", ".join([*parts, f"last sign of life {cell.last_sign_of_life}"])
