"""Tasks and zero-shot probes: their settings, their kinds, and what their metrics are."""

from dataclasses import dataclass

from nsp_ablation.options.setting import REQUIRED, science


@dataclass(frozen=True)
class TaskKindFacts:
    """What the rest of the project needs to know of a kind of task.

    `module` implements it: a fine-tuned kind's is torch-free (read, featurize, score, baselines), and `head_module`
    its head; a probe's has `measure`. `reads` is what a probe is given: "heldout" documents, "files", or nothing.
    """

    module: str
    head_module: str | None
    options: tuple[str, ...]
    reads: str = "files"

    @property
    def is_probe(self) -> bool:
        """Whether nothing is trained: no recipe, no fine-tuning seed."""
        return self.head_module is None


_TASKS, _HEADS, _PROBES = (f"nsp_ablation.learning.{name}" for name in ("tasks", "finetuning", "probes"))
TASK_KINDS = {
    "span_qa": TaskKindFacts(f"{_TASKS}.span_qa", f"{_HEADS}.span_head", ("unanswerable",)),
    "classification": TaskKindFacts(
        f"{_TASKS}.classification", f"{_HEADS}.class_head", ("text_columns", "label_column", "labels")
    ),
    "multiple_choice": TaskKindFacts(f"{_TASKS}.multiple_choice", f"{_HEADS}.choice_head", ()),
    "recall": TaskKindFacts(
        f"{_PROBES}.in_context_recall",
        None,
        ("short_share", "num_inputs", "targets_per_input", "num_frequent"),
        "heldout",
    ),
    "context_gain": TaskKindFacts(
        f"{_PROBES}.context_gain",
        None,
        ("short_share", "num_sentences", "min_sentence_tokens", "masked_share"),
        "heldout",
    ),
    "heldout_mlm": TaskKindFacts(f"{_PROBES}.heldout_mlm", None, (), "heldout"),
    "minimal_pairs": TaskKindFacts(f"{_PROBES}.minimal_pairs", None, ()),
}


@dataclass
class TaskHubOptions:
    """Where a task's data set is on the Hugging Face hub (or a local directory that `datasets` loads)."""

    path: str = science(REQUIRED, "Name on the hub.")
    name: str | None = science(None, "Configuration of the data set.")
    revision: str | None = science(None, "Commit or tag; null: the newest.")
    split: str = science("train", "Split of the training examples.")
    dev_split: str | None = science(None, "Split of the development examples.")


@dataclass
class TaskOptions:
    """A task or a zero-shot probe; a key that its kind does not have keeps its default.

    Files are read from `path` where it is given, else the micro-world's, else from `hub`.
    """

    name: str = science(REQUIRED, "The task, as in `tasks.<name>`.")
    kind: str = science(REQUIRED, "What the encoder has to do.", *TASK_KINDS)
    title: str | None = science(None, "Its name in tables; null: `name`.")
    metric: str = science(REQUIRED, "The metric that it is judged by.")
    path: str | None = science(None, "Directory of its original files.")
    train_file: str | None = science(None, "File of the training examples, in `path`.")
    dev_file: str | None = science(None, "File of the development examples, in `path`.")
    hub: TaskHubOptions | None = science(None, "Its data set on the hub.")
    unanswerable: bool = science(False, "span_qa: some questions have no answer in the context (SQuAD 2.0).")
    text_columns: list[str] = science([], "classification: columns of the text or texts.")
    label_column: str | None = science(None, "classification: column of the label.")
    labels: list[str] = science([], "classification: names of the classes, in the order of their numbers.")
    short_share: float = science(
        0.25, "held-out probes: share of T of the shorter inputs, which every format trains.", low=0.0, high=1.0
    )
    num_inputs: int | None = science(500, "recall: inputs that are drawn; null: all.", low=1, high=2**40)
    targets_per_input: int = science(4, "recall: different words masked per input.", low=1, high=2**16)
    num_frequent: int = science(200, "recall: commonest tokens, none of which is a target.", low=0, high=2**24)
    num_sentences: int | None = science(1000, "context_gain: sentences that are drawn; null: all.", low=1, high=2**40)
    min_sentence_tokens: int = science(4, "context_gain: tokens of the shortest sentence.", low=1, high=2**16)
    masked_share: float = science(0.15, "context_gain: share of tokens that are masked.", low=0.01, high=1.0)


@dataclass(frozen=True)
class MetricFacts:
    """A metric: `unit` as tables print it. A fraction is printed in percent; other values stand as they are.

    `is_mean`: it is the mean of the examples' scores. `is_second`: it has a column of its own beside the primary one.
    """

    unit: str
    is_fraction: bool = True
    higher_is_better: bool = True
    is_mean: bool = True
    is_second: bool = False


METRICS = {
    "f1": MetricFacts("F1"),
    "exact_match": MetricFacts("EM"),
    "accuracy": MetricFacts("acc."),
    "recall_gain": MetricFacts("gain, nats", is_fraction=False, is_second=True),
    "context_gain": MetricFacts("gain, nats", is_fraction=False),
    "perplexity": MetricFacts("ppl", is_fraction=False, higher_is_better=False, is_mean=False),
    "mlm_loss": MetricFacts("nats", is_fraction=False, higher_is_better=False, is_mean=False),
    "true_context_loss": MetricFacts("nats", is_fraction=False, higher_is_better=False, is_mean=False),
    "foreign_context_loss": MetricFacts("nats", is_fraction=False, higher_is_better=False, is_mean=False),
}
