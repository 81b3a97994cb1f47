"""Tasks and zero-shot probes: their settings, their kinds, and what their metrics are."""

from dataclasses import dataclass

from nsp_ablation.options.probe_options import LAYOUTS, MIN_PAIR_LENGTH
from nsp_ablation.options.setting import READ_PATH, REQUIRED, TextOrTexts, science
from nsp_ablation.options.task_facts import MetricFacts, TaskHubOptions, TaskKindFacts

_TASKS, _HEADS, _PROBES = (f"nsp_ablation.learning.{name}" for name in ("tasks", "finetuning", "probes"))
_RANGE = ("short_share", "in_range_tokens")  # of a probe that reads shorter inputs as well
TASK_KINDS = {
    "span_qa": TaskKindFacts(
        module=f"{_TASKS}.span_qa",
        head_module=f"{_HEADS}.span_head",
        metrics=("f1", "exact_match"),
        options=(
            *("unanswerable", "scoring", "bad_questions", "max_question_tokens", "window_stride", "max_answer_tokens"),
            *("num_best_spans", "baseline_answer_words", "baseline_train_examples", "max_train_examples"),
        ),
        has_contexts=True,
        readings=3,
        beside=("has_answer", "no_answer", "best_f1", "best_exact"),
    ),
    "classification": TaskKindFacts(
        module=f"{_TASKS}.classification",
        head_module=f"{_HEADS}.class_head",
        metrics=("accuracy", "f1", "matthews"),
        options=(
            *("text_columns", "label_column", "labels", "header", "uneven_rows", "baseline_iterations"),
            "max_train_examples",
        ),
        required=("text_columns", "label_column", "labels"),
    ),
    "regression": TaskKindFacts(
        module=f"{_TASKS}.regression",
        head_module=f"{_HEADS}.regression_head",
        metrics=("spearman", "pearson"),
        options=(
            *("text_columns", "label_column", "max_label", "header", "uneven_rows", "baseline_iterations"),
            "max_train_examples",
        ),
        required=("text_columns", "label_column"),
    ),
    "multiple_choice": TaskKindFacts(
        module=f"{_TASKS}.multiple_choice",
        head_module=f"{_HEADS}.class_head",
        metrics=("accuracy",),
        options=("bad_questions", "max_choice_tokens", "baseline_iterations", "max_train_examples"),
        default_files=("{split}", "{split}.jsonl"),
        has_contexts=True,
        readings=10,
    ),
    "recall": TaskKindFacts(
        module=f"{_PROBES}.in_context_recall",
        metrics=("accuracy", "recall_gain"),
        options=(*_RANGE, "num_inputs", "targets_per_input", "num_frequent"),
        reads="heldout",
    ),
    "word_recall": TaskKindFacts(
        module=f"{_PROBES}.word_recall",
        metrics=("accuracy", "word_gain"),
        options=(
            *("num_inputs", "targets_per_input", "num_frequent"),
            *("words_share", "max_words", "heldout_words", "min_character_share", "max_letters"),
        ),
        reads="heldout",
    ),
    "context_gain": TaskKindFacts(
        module=f"{_PROBES}.context_gain",
        metrics=("context_gain",),
        options=(*_RANGE, "num_sentences", "min_sentence_tokens", "masked_share"),
        reads="heldout",
        beside=("true_context_loss", "foreign_context_loss"),
    ),
    "heldout_mlm": TaskKindFacts(
        module=f"{_PROBES}.heldout_mlm",
        metrics=("perplexity",),
        options=(
            *(*_RANGE, "layout", "short_tokens", "heldout_tokens", "masked_share"),
            *("mask_fraction", "random_fraction"),
        ),
        reads="heldout",
        beside=("mlm_loss",),
    ),
    "pair_order": TaskKindFacts(
        module=f"{_PROBES}.pair_order",
        metrics=("accuracy",),
        options=(*_RANGE, "pair_label", "num_borders", "train_share", "penalty", "baseline_iterations"),
        reads="heldout",
        needs_mlm_head=False,
    ),
    "minimal_pairs": TaskKindFacts(f"{_PROBES}.minimal_pairs", ("accuracy",), default_files=("*.jsonl",)),
}
# How span QA compares an answer with a reference, and what implements it.
SPAN_SCORINGS = {"squad": f"{_TASKS}.squad_metrics", "cmrc": f"{_TASKS}.cmrc_metrics"}


@dataclass
class TaskOptions:
    """A task or a zero-shot probe; a key that its kind does not have keeps its default.

    Files are read from `path` where it is given, else the micro-world's, else from `hub`.
    """

    name: str = science(REQUIRED, "The task, as in `tasks.<name>`.")
    kind: str = science(REQUIRED, "What the encoder has to do.", *TASK_KINDS)
    title: str | None = science(None, "Its name in tables; null: `name`.")
    metric: str = science(REQUIRED, "The metric that it is judged by.")
    path: str | None = science(None, "Directory of its original files.", path=READ_PATH)
    train_file: TextOrTexts = science(None, "Training file in `path`, a quoted glob or a list.", path=READ_PATH)
    dev_file: TextOrTexts = science(None, "Development file in `path`, a quoted glob or a list.", path=READ_PATH)
    hub: TaskHubOptions | None = science(None, "Its data set on the hub.")
    max_train_examples: int | None = science(
        None, "Training examples at most, whole articles or passages by hash; null: as its recipe.", low=1, high=2**40
    )
    unanswerable: bool = science(False, "span_qa: some questions have no answer in the context (SQuAD 2.0).")
    scoring: str = science("squad", "span_qa: compares SQuAD's words or CMRC 2018's characters.", *SPAN_SCORINGS)
    bad_questions: str = science(
        "refuse",
        "span_qa, multiple_choice: what becomes of questions whose answers are not as their layout says.",
        "refuse",
        "skip",
    )
    max_question_tokens: int = science(
        64, "span_qa: tokens of a question that are read, at most T / 4 (fidelity row 24).", low=1, high=2**16
    )
    window_stride: int = science(
        128, "span_qa: tokens between windows of a long context, at most half a window.", low=1, high=2**16
    )
    max_answer_tokens: int = science(30, "span_qa: tokens of the longest answer that is given.", low=1, high=2**16)
    num_best_spans: int = science(
        20, "span_qa: best spans of a window, the first of which with a text is the answer.", low=1, high=2**10
    )
    text_columns: list[str] = science(
        [],
        "classification, regression: columns of the text or of the two texts, by name or number (1: first, -1: last).",
    )
    label_column: str | None = science(
        None, "classification, regression: column of the label, by name or number; of the hub's, where it is there."
    )
    labels: list[str] = science(
        [], "classification: names of the classes, in the order of their numbers; F1 is that of the second."
    )
    max_label: float = science(5.0, "regression: the highest label; the lowest is 0.", low=1e-6, high=1e9)
    header: bool = science(True, "classification, regression: a file's first line names the columns (not CoLA's).")
    uneven_rows: str = science(
        "skip",
        "classification, regression: what becomes of rows of too few or too many columns; a majority is refused.",
        "skip",
        "refuse",
    )
    max_choice_tokens: int = science(
        128, "multiple_choice: tokens of question and option, at most T / 4 (fidelity row 24).", low=1, high=2**16
    )
    baseline_iterations: int = science(
        200,
        "classification, regression, multiple_choice, pair_order: iterations of a linear model, at most.",
        low=1,
        high=2**16,
    )
    baseline_answer_words: int = science(
        10, "span_qa: words of the longest span that the baselines take for an answer.", low=1, high=2**16
    )
    baseline_train_examples: int = science(
        2000, "span_qa: training examples that set the baseline's threshold for no answer.", low=1, high=2**40
    )
    short_share: float = science(
        0.25,
        "probes of held-out text: share of T of shorter inputs, which all formats train; 0: none.",
        low=0.0,
        high=1.0,
    )
    in_range_tokens: int | None = science(
        None,
        "probes of held-out text: tokens of these inputs, in place of short_share; null: probes.in_range_tokens.",
        low=MIN_PAIR_LENGTH,
        high=2**20,
    )
    num_inputs: int | None = science(500, "recall, word_recall: inputs that are drawn; null: all.", low=1, high=2**40)
    targets_per_input: int = science(4, "recall, word_recall: different words masked per input.", low=1, high=2**16)
    num_frequent: int = science(200, "recall, word_recall: commonest tokens or words: no targets.", low=0, high=2**24)
    words_share: float = science(0.5, "word_recall: words and marks of a text per token of T.", low=0.01, high=1.0)
    max_words: int | None = science(None, "word_recall: words and marks; null: words_share of T.", low=2, high=2**20)
    heldout_words: int | None = science(300_000, "word_recall: words that are read; null: all.", low=1, high=2**40)
    min_character_share: float = science(
        1e-4, "word_recall: least occurrences, per word that is read, of each character of a target.", low=0.0, high=1.0
    )
    max_letters: int = science(50, "word_recall: letters of the longest word that is a target.", low=1, high=2**16)
    num_sentences: int | None = science(1000, "context_gain: sentences that are drawn; null: all.", low=1, high=2**40)
    min_sentence_tokens: int = science(4, "context_gain: tokens of the shortest sentence.", low=1, high=2**16)
    masked_share: float = science(0.15, "context_gain, heldout_mlm: share of tokens masked.", low=0.01, high=0.9)
    layout: str = science("full", "heldout_mlm: layout of the inputs that its perplexity is of.", *LAYOUTS)
    short_tokens: int = science(48, "heldout_mlm: tokens of inputs read beside T's.", low=MIN_PAIR_LENGTH, high=2**20)
    heldout_tokens: int | None = science(
        None, "heldout_mlm: tokens that are read; null: pretraining.heldout_tokens.", low=1, high=2**40
    )
    mask_fraction: float = science(0.8, "heldout_mlm: share of the targets that read [MASK].", low=0.0, high=1.0)
    random_fraction: float = science(0.1, "heldout_mlm: share of targets that read a random token.", low=0.0, high=1.0)
    pair_label: str = science("nsp", "pair_order: told is if B is of another document, or before A.", "nsp", "sop")
    num_borders: int | None = science(2000, "pair_order: sentence borders drawn; null: all.", low=4, high=2**40)
    train_share: float = science(0.5, "pair_order: share of documents that are trained on.", low=0.05, high=0.95)
    penalty: float = science(1.0, "pair_order: weight of |weights|^2 / 2 beside the summed loss.", low=1e-6, high=1e6)


_PREDICTED, _LOSSES = ("prediction", "label"), ("loss_sum", "num_predictions")
_THRESHOLDS = {name: (f"answer_{name}", f"none_{name}", "none_probability") for name in ("f1", "exact")}
METRICS = {
    "f1": MetricFacts("F1", of_predictions="binary_f1", arrays=_PREDICTED),  # span QA has one of each example
    "exact_match": MetricFacts("EM"),
    "accuracy": MetricFacts("acc."),
    "matthews": MetricFacts("Matthews", of_predictions="matthews", arrays=_PREDICTED),
    "pearson": MetricFacts("Pearson", of_predictions="pearson", arrays=_PREDICTED),
    "spearman": MetricFacts("Spearman", of_predictions="spearman", arrays=_PREDICTED),
    "best_f1": MetricFacts("best F1", of_predictions="best_threshold_score", arrays=_THRESHOLDS["f1"]),
    "best_exact": MetricFacts("best EM", of_predictions="best_threshold_score", arrays=_THRESHOLDS["exact"]),
    "best_f1_thresh": MetricFacts(
        "threshold", is_fraction=False, of_predictions="best_threshold", arrays=_THRESHOLDS["f1"]
    ),
    "best_exact_thresh": MetricFacts(
        "threshold", is_fraction=False, of_predictions="best_threshold", arrays=_THRESHOLDS["exact"]
    ),
    "foreign_contexts": MetricFacts("foreign contexts"),
    "recall_gain": MetricFacts("gain, nats", is_fraction=False, is_nats=True, is_second=True),
    "word_gain": MetricFacts("gain, nats", is_fraction=False, is_nats=True, is_second=True),
    "context_gain": MetricFacts("gain, nats", is_fraction=False, is_nats=True),
    "perplexity": MetricFacts(
        "ppl", is_fraction=False, is_lower_better=True, of_predictions="perplexity", arrays=_LOSSES
    ),
    "mlm_loss": MetricFacts(
        "nats", is_fraction=False, is_nats=True, is_lower_better=True, of_predictions="mean_loss", arrays=_LOSSES
    ),
    "true_context_loss": MetricFacts("nats", is_fraction=False, is_nats=True, is_lower_better=True),
    "foreign_context_loss": MetricFacts("nats", is_fraction=False, is_nats=True, is_lower_better=True),
}
