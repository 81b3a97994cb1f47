"""What a study cost: tokens, FLOPs, hours and devices of each arm, from its records alone."""

from collections.abc import Iterable, Sequence

from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.records.record import PretrainingFacts, ResultRecord

_HEADS = (
    *("", "encoders", "parameters", "M tokens per encoder", "FLOPs per encoder", "hours per encoder"),
    *("fine-tuning runs", "fine-tuning hours", "hours in all", "device"),
)
_ALL = "all"


def cost_table(study: Study) -> FactsTable:
    """Return a row per arm that something was trained of, and one for all of them.

    An encoder counts once, though each of its results repeats it; hours are those of the training loops.
    """
    found = {study.labels[arm]: study.of_arm(arm) for arm in study.scores.arms}
    found = {label: records for label, records in found.items() if pretrainings_of(records) or finetunings_of(records)}
    if len(found) > 1:
        found[_ALL] = [record for records in found.values() for record in records]
    return FactsTable([*_HEADS], [_row(label, records) for label, records in found.items()])


def pretrainings_of(records: Iterable[ResultRecord]) -> list[PretrainingFacts]:
    """Return what each pre-training of some records did, every one once."""
    by_weights = {
        record.encoder.sha256 if record.encoder else record.id: record.pretraining
        for record in records
        if record.arm == "trained"
    }
    return [facts for facts in by_weights.values() if facts is not None]


def finetunings_of(records: Iterable[ResultRecord]) -> list[float]:
    """Return the seconds of each fine-tuning of some records."""
    return [record.finetuning.seconds for record in records if record.finetuning and record.finetuning_seed is not None]


def devices_of(records: Sequence[ResultRecord]) -> list[str]:
    """Return the devices of some records, each once: those of pre-trainings that state theirs, then of evaluations."""
    trained = (facts.device for facts in pretrainings_of(records) if facts.device is not None)
    return list(dict.fromkeys([*trained, *(record.provenance.device for record in records)]))


def hours_text(seconds: float) -> str:
    """Return a duration in hours, three digits of it."""
    return f"{seconds / 3600:,.3g}" if seconds < 3.6e6 else f"{seconds / 3600:,.0f}"


def _row(label: str, records: Sequence[ResultRecord]) -> list[str]:
    encoders, runs = pretrainings_of(records), finetunings_of(records)
    trained = sum(one.seconds for one in encoders)
    per_encoder = [
        _mean([one.parameters for one in encoders], "{:,.0f}"),
        _mean([one.tokens / 1e6 for one in encoders], "{:,.2f}"),
        _mean([one.flops for one in encoders], "{:.3g}"),
    ]
    return [
        label,
        str(len(encoders)) if encoders else "–",
        *per_encoder,
        hours_text(trained / len(encoders)) if encoders else "–",
        str(len(runs)) if runs else "–",
        hours_text(sum(runs)) if runs else "–",
        hours_text(trained + sum(runs)),
        "; ".join(devices_of(records)),
    ]


def _mean(values: Sequence[float | None], form: str) -> str:
    """Return the mean of values that all encoders state, a dash where one does not."""
    known = [value for value in values if value is not None]
    return form.format(sum(known) / len(known)) if known and len(known) == len(values) else "–"
