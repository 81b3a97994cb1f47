"""Captions: what the numbers of a study are, at which scale, and what they do not show."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm, setting
from nsp_ablation.reporting.analysis.tables import Section

# The paper's section 4: what an arm of ours is held against (name, the paper's value as printed, its values here).
_PAPER_SCALE: tuple[tuple[str, str, str, tuple[Any, ...]], ...] = (
    ("model", "model", "BERT_BASE, L12 H768 A12", ("base",)),
    ("max_length", "T", "512", (512,)),
    ("updates", "updates", "1,000,000", (1_000_000,)),
    ("batch", "sequences per update", "256", (256,)),
    ("tokenizer", "tokenizer", "WordPiece, about 30k units", ("wordpiece",)),
    ("corpus", "corpus", "BookCorpus and English Wikipedia, 16 GB", ("books_wikipedia",)),
)
_PAPER_MASKED_SHARE = 0.15
_PAPER_PAIR_WEIGHT = 1.0
_PAPER_STATIC_COPIES = 10
# Choices that the study did not have: key, value, what the caption says of it.
_ADDED_CHOICES = (
    ("masking.unit", "whole_word", "whole words masked (paper: single tokens)"),
    ("format.attention", "document", "attention within documents (paper: over the whole input)"),
)
MICROWORLD_NOTE = (
    "The corpus and its tasks are the embedded micro-world, which tests the software and not the paper: the tasks show "
    "that pre-training transfers to values never seen in fine-tuning; they do not show document-level reasoning, and "
    "no published number stands beside them."
)
_SHORT_INPUTS_NOTE = (
    "{} inputs are short, so its late positions stay as initialised, which hurts tasks with long inputs apart from any "
    "effect of NSP."
)


# What `finetuning.selection` means for the scores, by its value.
_SELECTIONS = {
    "train_tenth": "Recipes were chosen on a hashed tenth of the training examples; development sets were read once.",
    "paper": "Recipes and numbers of epochs were chosen on the development sets, as the paper did, so that scores on "
    "them are higher than on new examples.",
}


def caption(study: Study, sections: Sequence[Section], comparisons: Sequence[Comparison]) -> list[str]:
    """Return the sentences below the table: seeds and intervals, scale, differences from the paper, limits."""
    arms = [arm for arm in study.scores.arms if arm.kind == "trained"]
    sentences = [
        _numbers(study),
        _seeds(study, sections),
        _bold(comparisons),
        _clusters(study),
        _scale(study, arms),
        _differences(study, arms),
    ]
    sentences.append(_published(study, arms))
    sentences += [_selections(study), *_notes(study)]
    if any(arm.condition.corpus == "microworld" for arm in study.scores.arms):
        sentences.append(MICROWORLD_NOTE)
    formats = {arm.condition.format for arm in arms}
    short = (facts.title for name, facts in FORMATS.items() if name in formats and facts.nominal_tokens is not None)
    sentences += [_SHORT_INPUTS_NOTE.format(title) for title in short]
    failed = sum(pool.num_failed for pool in study.scores.all_pools())
    if failed:
        sentences.append(f"Failed runs: {failed}; a cell without any finished run reads “failed”, one with some has †.")
    return [sentence for sentence in sentences if sentence]


def _numbers(study: Study) -> str:
    units = {column.unit for column in study.columns}
    others = ["gains in nats" if any("nats" in unit for unit in units) else "", "perplexity" if "ppl" in units else ""]
    but = ", ".join(filter(None, others))
    return f"Development sets, in percent{f' ({but})' if but else ''}." if units else ""


def _seeds(study: Study, sections: Sequence[Section]) -> str:
    """State both numbers of seeds, and what the intervals are over."""
    pools = [pool for pool in study.scores.all_pools() if pool.records and pool.arm.kind != "external"]
    if not pools:
        return ""
    counts = [len(pool.by_seed(pool.primary_metric or "")) for pool in pools]
    fine = [pool.num_finetuning_seeds() for pool in pools if pool.num_finetuning_seeds()]
    texts = [(_span(numbers), kind) for numbers, kind in ((counts, "pre-training"), (fine, "fine-tuning")) if numbers]
    many = " × ".join(f"{number} {kind} seed{'' if number == '1' else 's'}" for number, kind in texts)
    numbers = "medians over pre-training seeds (each the mean over its fine-tuning seeds)"
    told = "; ".join([f"{many} per arm: {numbers}" if max(counts) > 1 else f"{many} per arm", *_intervals(sections)])
    return f"{told}{', and a difference may be the seed’s' if max(counts) == 1 else ''}."


def _intervals(sections: Sequence[Section]) -> Iterator[str]:
    """Yield what the intervals of the table's arms are over, each kind once."""
    scores = [score for section in sections for row in section.rows if row.arm for score in row.scores]
    kinds = {score.summary.interval for score in scores if score.summary}
    if "seeds_examples" in kinds:
        yield "beneath them the 95 % interval of the mean, over seeds crossed with clusters of examples"
    if "examples" in kinds:
        yield "where there is one seed, the interval is over examples alone and says nothing of other seeds"
    if kinds == {"none"}:
        yield "there are no intervals"


def _bold(comparisons: Sequence[Comparison]) -> str:
    """Say what bold is, where something is bold."""
    column = next((one.column for one in comparisons if one.better_arm), None)
    return f"Bold: better than another arm in a planned comparison on {column.measure}." if column else ""


def _clusters(study: Study) -> str:
    """Say where examples stand for clusters, because records do not name these."""
    pools = [pool for pool in study.scores.all_pools() if pool.records]
    if all(study.matrices.has_clusters(pool) for pool in pools):
        return ""
    return "Some records name no clusters: their examples are taken as independent, which makes intervals too narrow."


def _selections(study: Study) -> str:
    """Say how recipes were chosen, where they were not given."""
    found = [record.finetuning.selection for record in study.records.values() if record.finetuning]
    hows = {selection.how for selection in found if selection is not None}
    sentences = [text for how, text in _SELECTIONS.items() if how in hows]
    return " ".join(sentences)


def _notes(study: Study) -> Iterator[str]:
    """Yield what is to be known of encoders from elsewhere."""
    for arm in study.scores.arms:
        notes = {setting(record.config, "encoder_note") for record in study.of_arm(arm)} - {None}
        if arm.kind == "external" and notes:
            yield f"{study.labels[arm]}: {'; '.join(sorted(notes))}."


def _scale(study: Study, arms: list[StudyArm]) -> str:
    """State model, T, updates, tokens and corpus of the trained arms."""
    if not arms:
        return ""
    conditions = [arm.condition for arm in arms]
    tokens = [record.pretraining.tokens for arm in arms for record in study.of_arm(arm) if record.pretraining]
    parts = [
        f"model {_values(c.model for c in conditions)}{_shapes(study, arms)}",
        f"T = {_values(c.max_length for c in conditions)}",
        f"{_values(c.updates for c in conditions)} updates",
        f"{_values(c.batch for c in conditions)} sequences per update (budget {_values(c.budget for c in conditions)})",
        f"{_span([round(count / 1e6, 1) for count in tokens])} M real tokens per encoder" if tokens else "",
        f"corpus {_values(c.corpus for c in conditions)}",
    ]
    return f"Scale: {', '.join(part for part in parts if part)}."


def _shapes(study: Study, arms: list[StudyArm]) -> str:
    """Return the encoder's shape from the configurations, as BERT's miniatures are named (L2 H128 A2)."""
    models = [record.config.get("model", {}) for arm in arms for record in study.of_arm(arm)]
    keys = ("num_layers", "hidden_size", "num_heads")
    shapes = {tuple(model[key] for key in keys) for model in models if all(key in model for key in keys)}
    texts = [f"L{layers} H{hidden} A{heads}" for layers, hidden, heads in sorted(shapes)]
    return f" ({' and '.join(texts)})" if texts else ""


def _published(study: Study, arms: list[StudyArm]) -> str:
    if (table := study.published) is None:
        return ""
    text = f"Published numbers: {table.source}, {table.title}, {table.statistic}; compare orders, not levels."
    if any(arm.condition.masking == "static" and arm.condition.copies != _PAPER_STATIC_COPIES for arm in arms):
        text += f" The paper's static masking has {_PAPER_STATIC_COPIES} copies; other numbers have no counterpart."
    return text


def _differences(study: Study, arms: list[StudyArm]) -> str:
    """Say what differs from the paper's scale, and from its share of masked tokens."""
    if not arms:
        return ""
    differing = [
        f"{name} ({_values(getattr(arm.condition, field) for arm in arms)}; paper: {paper})"
        for field, name, paper, same in _PAPER_SCALE
        if any(getattr(arm.condition, field) not in same for arm in arms)
    ]
    configs = [record.config for arm in arms for record in study.of_arm(arm)]
    probabilities = (setting(config, "masking.probability") for config in configs)
    shares = sorted({share for share in probabilities if share is not None} | {_PAPER_MASKED_SHARE})
    if shares != [_PAPER_MASKED_SHARE]:
        ours = _values(f"{share:.0%}" for share in shares if share != _PAPER_MASKED_SHARE)
        differing.append(f"masked share of the tokens ({ours}; paper: {_PAPER_MASKED_SHARE:.0%})")
    predicting = [record.config for arm in arms if arm.condition.objective != "mlm" for record in study.of_arm(arm)]
    weights = {setting(config, "pretraining.pair_loss_weight") for config in predicting} - {None, _PAPER_PAIR_WEIGHT}
    if weights:
        ours = _values(f"{weight:g}" for weight in sorted(weights))
        differing.append(f"weight of the loss on pairs ({ours}; paper: {_PAPER_PAIR_WEIGHT:g})")
    if any(setting(config, "pretraining.schedule_steps") is not None for config in configs):
        differing.append("ended before the learning rate reached 0")
    for key, value, name in _ADDED_CHOICES:
        if any(setting(config, key) == value for config in configs):
            differing.append(name)
    return f"Not the paper's scale: {', '.join(differing)}." if differing else "The paper's scale."


def _values(values: Iterable[Any]) -> str:
    """Return the distinct values, numbers with thousands separated: "2,000 and 4,000"."""
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    texts = [f"{value:,}" if isinstance(value, int) else str(value) for value in distinct]
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]])) or "–"


def _span(numbers: list[int] | list[float]) -> str:
    """Return "3" where all numbers are equal, else "1–3"."""
    low, high = min(numbers), max(numbers)
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
