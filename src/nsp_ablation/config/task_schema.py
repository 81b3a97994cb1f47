"""What an encoder is fine-tuned on and how: the keys of `finetuning` and `tasks`."""

from dataclasses import dataclass

from nsp_ablation.config.kinds import MAX_SEED, label, machine, science

# Kinds of tasks that train nothing, and have no recipe or seed: some read the corpus' held-out documents, not files.
HELDOUT_KINDS = ("recall", "context_gain", "heldout_mlm")
ZERO_SHOT_KINDS = (*HELDOUT_KINDS, "minimal_pairs")


@dataclass
class RecipeConfig:
    """How one task is fine-tuned (appendix, table 10)."""

    learning_rate: float = science(low=0.0)
    batch_size: int = science(low=1)
    num_epochs: float = science(low=0.001)
    weight_decay: float = science(low=0.0)


@dataclass
class FinetuningConfig:
    """Fine-tuning. `max_steps` and `num_epochs`, where set, replace those of every recipe.

    `untrained_row` fine-tunes an encoder without pre-training alike, as a row of the table.
    """

    name: str = science()
    untrained_row: bool = machine()
    seeds: list[int] = label(low=0, high=MAX_SEED)
    pooler: str = science("fresh", "pretrained")
    token_types: str = science("as_pretrained", "bert")
    warmup_ratio: float = science(low=0.0, high=1.0)
    gradient_clip: float = science(low=0.0)
    max_steps: int | None = science(low=1)
    num_epochs: float | None = science(low=0.001)
    recipes: dict[str, RecipeConfig] = science()


@dataclass
class TaskHubConfig:
    """Where a task's data set is on the hub; `split` is that of training."""

    path: str = label()
    name: str | None = label()
    revision: str | None = label()
    split: str = label()


@dataclass
class TaskConfig:
    """A task: its kind, where its files are (`path`, else the micro-world's or the hub's) and what they hold."""

    name: str = label()
    kind: str = label("span_qa", "classification", "multiple_choice", *ZERO_SHOT_KINDS)
    path: str | None = label()
    train_file: str | None = label()
    dev_file: str | None = label()
    unanswerable: bool = label()
    text_columns: list[str] = label()
    label_column: str | None = label()
    labels: list[str] = label()
    hub: TaskHubConfig | None = label()
    hub_dev_split: str | None = label()
