"""Hyper-parameters as in RoBERTa's tables 9 and 10: of pre-training a column per model, of fine-tuning one per task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nsp_ablation.options.metric_source import metric_facts
from nsp_ablation.reporting.analysis.columns import task_title
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import setting
from nsp_ablation.reporting.records.record import ResultRecord

_NUM_NAMED = 2  # arms that a column names
_Value = Callable[[ResultRecord], Any]


def _of(key: str) -> _Value:
    return lambda record: setting(record.config, key)


def _head_size(record: ResultRecord) -> Any:
    hidden, heads = setting(record.config, "model.hidden_size"), setting(record.config, "model.num_heads")
    return hidden // heads if hidden and heads else None


def warmup_updates(record: ResultRecord) -> int | None:
    """Return the updates in which the learning rate of a pre-training rises."""
    ratio, updates = setting(record.config, "pretraining.warmup_ratio"), record.condition.updates
    return None if ratio is None or updates is None else round(ratio * updates)


# RoBERTa's table 9, in its order and words, and below it what it does not have.
_PRETRAINING: tuple[tuple[str, _Value], ...] = (
    ("Parameters", lambda record: record.pretraining.parameters if record.pretraining else None),
    ("Number of layers", _of("model.num_layers")),
    ("Hidden size", _of("model.hidden_size")),
    ("FFN inner hidden size", _of("model.intermediate_size")),
    ("Attention heads", _of("model.num_heads")),
    ("Attention head size", _head_size),
    ("Dropout", _of("model.dropout")),
    ("Attention dropout", _of("model.attention_dropout")),
    ("Warm-up updates", warmup_updates),
    ("Peak learning rate", lambda record: record.condition.learning_rate),
    ("Batch size (sequences)", lambda record: record.condition.batch),
    ("Weight decay", _of("pretraining.weight_decay")),
    ("Updates", lambda record: record.condition.updates),
    ("Learning rate decay", lambda record: "linear"),
    ("Adam epsilon", _of("pretraining.epsilon")),
    ("Adam beta1", _of("pretraining.beta1")),
    ("Adam beta2", _of("pretraining.beta2")),
    ("Gradient clipping", _of("pretraining.gradient_clip")),
    ("Sequence length T", lambda record: record.condition.max_length),
    ("Masked share of tokens", _of("masking.probability")),
    ("Tokenizer", lambda record: record.condition.tokenizer),
    ("Vocabulary size", _of("tokenizer.vocab_size")),
    ("Architecture", _of("model.architecture")),
    ("Standard deviation of initial weights", _of("model.init_std")),
    ("Precision", _of("trainer.precision")),
)


def pretraining_setups(study: Study) -> FactsTable:
    """Return a row per hyper-parameter and a column per set of values that trained arms share."""
    records = {study.labels[arm]: study.of_arm(arm) for arm in study.scores.arms if arm.kind == "trained"}
    values = {
        label: tuple(value_text(value(found[0])) for _, value in _PRETRAINING)
        for label, found in records.items()
        if found
    }
    groups: dict[tuple[str, ...], list[str]] = {}
    for label, texts in values.items():
        groups.setdefault(texts, []).append(label)
    models = {study.labels[arm]: arm.condition.model for arm in study.scores.arms}
    heads = [_head(models[labels[0]], labels, len(groups)) for labels in groups.values()]
    return _table(heads, [name for name, _ in _PRETRAINING], list(groups))


def finetuning_setups(study: Study) -> FactsTable:
    """Return a row per hyper-parameter and a column per task that encoders are fine-tuned on."""
    records = [record for record in study.records.values() if record.finetuning_seed is not None and record.metrics]
    by_task = {task: [one for one in records if one.task == task] for task in study.scores.tasks}
    columns = {task: [_recipe(record) for record in found] for task, found in by_task.items() if found}
    names = list(dict.fromkeys(name for recipes in columns.values() for recipe in recipes for name in recipe))
    texts = [tuple(_all_texts(recipe[name] for recipe in recipes) for name in names) for recipes in columns.values()]
    return _table([task_title(task, study.records) for task in columns], names, texts)


def value_text(value: Any) -> str:
    """Return a value as a table shows it: 4,500; 1e-06; a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _head(model: str | None, labels: Sequence[str], num_groups: int) -> str:
    if num_groups == 1:
        return str(model)
    more = f" and {len(labels) - _NUM_NAMED} more" if len(labels) > _NUM_NAMED else ""
    return f"{model}: {'; '.join(labels[:_NUM_NAMED])}{more}"


def _recipe(record: ResultRecord) -> dict[str, Any]:
    """Return what a fine-tuning was done with, by the names of RoBERTa's table 10; of a chosen recipe the choice."""
    options: Mapping[str, Any] = record.config.get("finetuning") or {}
    own = (options.get("recipes") or {}).get(record.task) or {}
    recipe = {**(options.get("recipe") or {}), **{name: value for name, value in own.items() if value is not None}}
    selection = record.finetuning.selection if record.finetuning else None
    if selection is not None:
        chosen = selection.trials[selection.chosen]
        recipe |= {name: getattr(chosen, name) for name in ("learning_rate", "batch_size", "weight_decay")}
        recipe["num_epochs"] = selection.epochs
    epochs = options.get("num_epochs") or recipe.get("num_epochs")
    examples = recipe.get("max_train_examples") or setting(record.config, f"tasks.{record.task}.max_train_examples")
    return {
        "Learning rate": recipe.get("learning_rate"),
        "Batch size": recipe.get("batch_size"),
        "Weight decay": recipe.get("weight_decay"),
        "Epochs": None if options.get("max_steps") else epochs,
        "Updates": record.finetuning.updates if record.finetuning else None,
        "Learning rate decay": "linear",
        "Warm-up ratio": options.get("warmup_ratio"),
        "Gradient clipping": options.get("gradient_clip"),
        "Training examples at most": examples or "all",
        "Recipes tried": len(selection.trials) if selection else 1,
        "Fine-tuning seed": record.finetuning_seed,
        "Measure": metric_facts(record.primary_metric or "").unit or record.primary_metric,
        "Development examples": record.num_examples,
    }


def _all_texts(values: Any) -> str:
    """Return the distinct values, ascending."""
    distinct = sorted(
        {*values}, key=lambda value: (isinstance(value, str), value is None, value if value is not None else 0)
    )
    return ", ".join(map(value_text, distinct))


def _table(heads: list[str], names: list[str], columns: Sequence[tuple[str, ...]]) -> FactsTable:
    """Return a table of named rows, without those that no column has."""
    rows = [[name, *texts] for name, *texts in zip(names, *columns, strict=True)] if columns else []
    return FactsTable(["", *heads], [row for row in rows if set(row[1:]) != {"–"}])
