"""What stands beside the scores of zero-shot probes: the layouts that each arm reads, and what is in range of all."""

from collections.abc import Iterator

from nsp_ablation.options.probe_options import IN_RANGE_SHARE, LAYOUTS, SENTENCE_SIZE, measured_name
from nsp_ablation.options.task_options import TASK_KINDS
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import setting
from nsp_ablation.reporting.records.record import ResultRecord

LAYOUTS_TITLE = "Layouts as trained (rows) and as tested (columns): held-out MLM loss and recall gain, nats"
_PARTS = {
    "reporting": "the half of the held-out documents that no setting was chosen on",
    "tuning": "the half of the held-out documents that settings are chosen on: these are no results",
    "all": "all documents held out, without a half kept for results",
}


def layout_table(study: Study) -> FactsTable:
    """Return the held-out MLM loss of each arm (rows) in each layout and size of inputs (columns), in nats, and its
    recall gain in both forms: means over pre-training seeds, with their interval where there are several."""
    columns = [*_losses(study), *_recall()]
    pools = [pool for pool in study.scores.pools.values() if pool.records]
    arms = [arm for arm in study.scores.arms if any(pool.arm == arm for pool in pools)]
    heads, cells = [""], [[study.labels[arm] for arm in arms]]
    for head, metric in columns:
        texts = [_text(study, [pool for pool in pools if pool.arm == arm], metric) for arm in arms]
        if any(text != "–" for text in texts):
            heads.append(head)
            cells.append(texts)
    rows = [list(row) for row in zip(*cells, strict=True)] if len(heads) > 1 else []
    return FactsTable(heads if rows else [], [row for row in rows if set(row[1:]) != {"–"}])


def _losses(study: Study) -> Iterator[tuple[str, str]]:
    """Yield the head and the metric of each layout and size."""
    short = {
        task.get("short_tokens")
        for record in study.records.values()
        for task in record.config.get("tasks", {}).values()
        if task and task.get("kind") == "heldout_mlm"
    } - {None}
    sizes = {"": "", "short": f", {' or '.join(map(str, sorted(short)))} tokens", "in_range": ", in range"}
    sizes |= {SENTENCE_SIZE: ", single sentences"}
    for size, words in sizes.items():
        for name, facts in LAYOUTS.items():
            yield f"{facts.title}{words}", f"mlm_loss_{measured_name(name, size)}"


def _recall() -> Iterator[tuple[str, str]]:
    for suffix, words in (("", ""), ("_in_range", ", in range")):
        for form in ("single", "pair"):
            yield f"recall gain, {form}{words}", f"recall_gain_{form}{suffix}"


def _text(study: Study, pools: list[Pool], metric: str) -> str:
    summary = next((found for pool in pools if (found := study.matrices.summary(pool, metric))), None)
    if summary is None:
        return "–"
    interval = "" if summary.low is None else f" ({summary.low:.3f} to {summary.high:.3f})"
    return f"{summary.mean:.3f}{interval}".replace("-", "−")


def probe_sentences(study: Study) -> list[str]:
    """Return what a caption says of probes of held-out text: which half is read, and what is in range."""
    records = [record for record in study.records.values() if record.status == "done" and _reads_heldout(record)]
    if not records:
        return []
    parts = dict.fromkeys(setting(record.config, "corpus.heldout_part") for record in records)
    sentences = [f"Probes read {' and '.join(_PARTS.get(str(part), 'all documents held out') for part in parts)}."]
    planned = sorted({length for record in records if (length := _planned(record)) is not None})
    if planned:
        lengths = " or ".join(map(str, planned))
        sentences.append(
            f"In range: inputs of at most {lengths} tokens, fixed before the run, each position of which every arm "
            f"trains on at least {IN_RANGE_SHARE:.0%} of its inputs."
        )
    return sentences


def range_warnings(study: Study) -> list[str]:
    """Return a line for each arm that trained fewer positions than the plan says are in range of every arm."""
    planned = [length for record in study.records.values() if (length := _planned(record)) is not None]
    found = []
    for arm in study.scores.arms if planned else ():
        facts = [record.pretraining for record in study.of_arm(arm) if record.pretraining]
        trained = [one.in_range_tokens for one in facts if one.in_range_tokens is not None]
        if trained and min(trained) < max(planned):
            found.append(
                f"probes.in_range_tokens={max(planned)} is not in range of {study.labels[arm]}, whose inputs reach "
                f"{min(trained)} tokens in {IN_RANGE_SHARE:.0%} of cases; compare no scores in range with it"
            )
    return found


def _reads_heldout(record: ResultRecord) -> bool:
    kind = (record.config.get("tasks", {}).get(record.task) or {}).get("kind")
    return kind in TASK_KINDS and TASK_KINDS[kind].reads == "heldout"


def _planned(record: ResultRecord) -> int | None:
    """Return what a probe's record takes for in range of every arm, None where its plan says nothing of it."""
    if not _reads_heldout(record):
        return None
    own = setting(record.config, f"tasks.{record.task}.in_range_tokens")
    value = own if own is not None else setting(record.config, "probes.in_range_tokens")
    return value if isinstance(value, int) else None
