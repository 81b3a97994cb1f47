"""What is said of a kind of task and of a metric, and where a task's data set is on the hub (`task_options.py`)."""

from dataclasses import dataclass

from nsp_ablation.options.setting import READ_PATH, REQUIRED, science


@dataclass(frozen=True)
class TaskKindFacts:
    """What the rest of the project needs to know of a kind of task.

    `module` implements it: a fine-tuned kind's is torch-free (read, featurize, score, contexts, baselines) and
    `head_module` is its head; a probe's has `measure` and `num_examples`. `metrics` may be a task's `metric`, and
    `beside` names what else its results have; variants of both (`accuracy_in_range`) count as they do. `options` are
    the keys of `TaskOptions` that the kind has besides those of every task, `required` those of them that have no
    default. `reads` is what a probe is given: "heldout" documents or "files"; `needs_mlm_head`: it asks for the words
    that an encoder predicts. `default_files` are names or patterns in `path`, one of which stands for a file that the
    task does not name; {split} is train or dev. `has_contexts`: an example asks about a context, which the module's
    `with_foreign_contexts` exchanges. `readings` is about how often an epoch reads a byte of the files: a passage with
    each question, or each option of each question.
    """

    module: str
    metrics: tuple[str, ...]
    head_module: str | None = None
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    reads: str = "files"
    needs_mlm_head: bool = True
    default_files: tuple[str, ...] = ()
    has_contexts: bool = False
    readings: int = 1
    beside: tuple[str, ...] = ()

    def has_metric(self, metric: str) -> bool:
        """Whether results of the kind may have a metric."""
        return any(metric == name or metric.startswith(f"{name}_") for name in (*self.metrics, *self.beside))

    @property
    def is_probe(self) -> bool:
        """Whether nothing is trained: no recipe, no fine-tuning seed."""
        return self.head_module is None


@dataclass(frozen=True)
class MetricFacts:
    """A metric: `unit` as tables print it. A fraction is printed in percent; other values stand as they are.

    It is the mean of the item array of its own name (NaN: the example does not count), where a task has one; else the
    function `of_predictions` of `base/prediction_metrics.py` over the item `arrays`, in their order
    (`options/metric_source.py`). `is_second`: it has a column of its own beside the primary one.
    `is_lower_better`: less is better, as of a loss. `is_nats`: a loss or a gain in nats, which differ in thousandths.
    """

    unit: str
    is_fraction: bool = True
    is_second: bool = False
    is_lower_better: bool = False
    is_nats: bool = False
    of_predictions: str | None = None
    arrays: tuple[str, ...] = ()


@dataclass
class TaskHubOptions:
    """Where a task's data set is on the Hugging Face hub (or a local directory that `datasets` loads)."""

    path: str = science(REQUIRED, "Name on the hub, or a local directory.", path=READ_PATH)
    name: str | None = science(None, "Configuration of the data set.")
    revision: str | None = science(None, "Commit or tag; null: the newest.")
    split: str = science("train", "Split of the training examples.")
    dev_split: str | None = science(None, "Split of the development examples.")
    text_columns: list[str] = science([], "Columns of the texts, where they are others than the files'.")
