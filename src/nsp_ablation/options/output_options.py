"""Where outputs go, and what the stages that show something show."""

from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.options.setting import MAX_SEED, READ_PATH, REQUIRED, WRITTEN_PATH, machine

PUBLISHED = Path(__file__).parents[1] / "published"  # one YAML file per published table
WANDB_NAME, WANDB_TAG = 128, 64  # characters of a name (project, run, group) and of a tag that wandb takes

# The directories of a folder of results.
STUDY_DIRECTORIES = ("records", "scores", "items", "predictions", "cards", "cells", "curves", "report")


@dataclass
class LoggerOptions:
    """Dashboards that show curves and scores; the log of each training is kept on disk in any case."""

    name: str = machine(REQUIRED, "What shows curves and scores; csv: no dashboard.", "csv", "wandb", "tensorboard")
    project: str = machine("nsp-ablation", "Project on wandb.")
    entity: str | None = machine(None, "User or team on wandb; null: the default one.")
    offline: bool = machine(
        True, "Write wandb runs to disk when they are complete and send nothing; false streams them."
    )
    every_steps: int = machine(10, "Updates between two points of a curve.", low=1, high=2**40)


@dataclass
class PathsOptions:
    """Where outputs go, relative to the working directory."""

    artifacts: str = machine("artifacts", "Stores, tokenizers, checkpoints and encoders.", path=WRITTEN_PATH)
    results: str = machine("results", "Records and reports.", path=WRITTEN_PATH)


@dataclass
class InspectOptions:
    """`stage=inspect`: what a format feeds the model, and the corpus consists of."""

    output: str | None = machine(
        None, "File of JSON lines, one object per sample; null: the terminal.", path=WRITTEN_PATH
    )
    figure: str | None = machine(None, "SVG file that draws a page of the corpus in all formats.", path=WRITTEN_PATH)
    documents: str | None = machine(
        None,
        "File (.tsv.gz) that lists the corpus: id, source, characters and SHA-256 of each document's text.",
        path=WRITTEN_PATH,
    )
    documents_as: str | None = machine(
        None,
        "Such a list of another reader, that the corpus is held against: what is missing, extra, different.",
        path=READ_PATH,
    )
    equal_to: str | None = machine(
        None,
        "Record (.json) of a finished cell: after how many updates the arm has made as many predictions, and read as "
        "much different text of the corpus.",
        path=READ_PATH,
    )
    num_samples: str = machine("3", "Samples that are shown: a number, or `all`.")
    epoch: int = machine(1, "Epoch that is shown, from 1.", low=1, high=2**40)

    @property
    def shows_samples(self) -> bool:
        """Whether samples and statistics are printed: where nothing else is asked for."""
        return (self.output, self.figure, self.documents, self.documents_as, self.equal_to) == (None,) * 5


MAX_COMPARISONS = 4  # planned ones: each test more makes every test of the family weaker


@dataclass
class ComparisonOptions:
    """A planned comparison of two arms, each the name of a condition (`conf/condition/`), format, masking or tokenizer.

    `@` narrows a name that several arms have: `full@learning_rate=3e-3,batch=44` (`planned_pairs.py`). Scores are
    paired by pre-training seed, unless seeds are named on both sides: then the two sides are independent.
    """

    a: str = machine(REQUIRED, "The first condition; of several arms with its name one: full@learning_rate=3e-3.")
    b: str = machine(REQUIRED, "The second condition, likewise.")
    seeds_a: list[int] = machine(
        [], "Seeds of the first side, unpaired; none: all that both have, paired.", low=0, high=MAX_SEED
    )
    seeds_b: list[int] = machine(
        [], "Seeds of the second side; named where those of the first are.", low=0, high=MAX_SEED
    )
    equality: bool = machine(False, "Plan a test of equality within report.margin, too.")


@dataclass
class ContrastOptions:
    """A weighted sum of three or more arms, its weights together zero: whether an effect depends on another setting (an
    interaction), or is as large as another one. Scores are paired by pre-training seed (`contrast_terms.py`)."""

    what: str = machine(REQUIRED, "What it says, in words.")
    arms: str = machine(
        REQUIRED, "Weights and arms, whose names are as in report.comparisons: 2*segment_pair_mlm - doc - full."
    )


@dataclass
class ReportOptions:
    """The report of a sweep, and the plan of its statistics, fixed before the run."""

    all: bool = machine(False, "Cover all records of the folder, not the newest sweep's alone.")
    folders: list[str] = machine(
        [], "Further folders of results that are covered, too: of other machines.", path=READ_PATH
    )
    published: str | None = machine(
        None, "Published table to stand beside: a file of `published/`, or none; null: by what the sweep varies."
    )
    title: str | None = machine(None, "Title of the report.")
    question: str | None = machine(None, "Question of the study, which the report begins with.")
    anonymous: bool = machine(True, "Leave absolute paths and the names of user and host out of every output.")
    public_copy: str | None = machine(
        None,
        "stage=report: directory that receives the study as it may be published, without predictions and what names a "
        "person or a machine.",
        path=WRITTEN_PATH,
    )
    comparisons: list[ComparisonOptions] = machine(
        [], "Planned comparisons, at most four; Holm's correction is over all their tests on the primary measure."
    )
    contrasts: list[ContrastOptions] = machine(
        [],
        "Weighted sums of arms, such as interactions, on the primary measure: each is tested as if it belonged to the "
        "planned comparisons, whose own tests stay as they are.",
    )
    explored: list[ComparisonOptions] = machine(
        [],
        "Pairs that are compared beside the planned ones, on every measure, without correction or verdict: what was "
        "thought of after the plan, or is descriptive.",
    )
    primary_measure: str | None = machine(
        None, "What is tested: a task in its own metric, or TASK.METRIC; null: the first of `tasks`."
    )
    margin: float | None = machine(
        None,
        "Differences below it count as equal, in the primary measure's unit (points of percent, nats).",
        low=1e-9,
        high=1e9,
    )
    smallest_effect: float | None = machine(
        None,
        "Smallest difference that matters, in the primary measure's unit: seeds needed are for it.",
        low=1e-9,
        high=1e9,
    )


@dataclass
class LauncherOptions:
    """How the cells of a sweep are started."""

    num_cells: int | None = machine(
        None,
        "Cells that run at once; null: as many as cores / model.num_threads and memory allow, one per GPU, where that "
        "is faster; 1: one after another in one process.",
        low=1,
        high=4096,
    )

    max_cells: int = machine(
        1000, "Cells of a sweep at most; more are refused before any is composed.", low=1, high=10**6
    )
    further_sweeps: list[str] = machine(
        [],
        "Sweeps that are made beside the command's own, with all that it sets: each a line of overrides as one types "
        "them, left out where one of its settings is typed.",
    )


@dataclass
class ArtifactsOptions:
    """`stage=artifacts`: what lies under paths.artifacts, and which records use it."""

    delete_unused: bool = machine(False, "Delete the artifacts that no record below paths.results needs.")


@dataclass
class StatusOptions:
    """`stage=status`: how the cells of sweeps stand, wherever they run."""

    all: bool = machine(False, "Show a line for each cell that is done, too.")
    silent_seconds: float = machine(
        120.0, "A running cell whose last sign of life (one each 10 s) is older is silent.", low=1, high=10**6
    )


@dataclass
class ExportOptions:
    """`stage=export`: a copy of the encoder for use outside."""

    output: str | None = machine(None, "Directory that receives the encoder.", path=WRITTEN_PATH)
