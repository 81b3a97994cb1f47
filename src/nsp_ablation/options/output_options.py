"""Where outputs go, and what the stages that show something show."""

from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.options.setting import REQUIRED, machine

PUBLISHED = Path(__file__).parents[1] / "published"  # one YAML file per published table


@dataclass
class LoggerOptions:
    """Where curves go."""

    name: str = machine(REQUIRED, "What keeps the curves.", "csv", "wandb", "tensorboard")
    project: str = machine("nsp-ablation", "Project on wandb.")
    entity: str | None = machine(None, "User or team on wandb; null: the default one.")
    offline: bool = machine(True, "Keep wandb runs on disk and send nothing.")
    every_steps: int = machine(10, "Updates between two points of a curve.", low=1, high=2**40)


@dataclass
class PathsOptions:
    """Where outputs go, relative to the working directory."""

    artifacts: str = machine("artifacts", "Stores, tokenizers, checkpoints and encoders.")
    results: str = machine("results", "Records and reports.")


@dataclass
class InspectOptions:
    """`stage=inspect`: what a format feeds the model."""

    output: str | None = machine(None, "File of JSON lines, one object per sample; null: the terminal.")
    figure: str | None = machine(None, "SVG file that draws a page of the corpus in all formats.")
    num_samples: str = machine("3", "Samples that are shown: a number, or `all`.")
    epoch: int = machine(1, "Epoch that is shown, from 1.", low=1, high=2**40)


@dataclass
class ComparisonOptions:
    """A planned comparison of two conditions (names of `conf/condition/`, or formats)."""

    a: str = machine(REQUIRED, "The first condition.")
    b: str = machine(REQUIRED, "The second condition.")


@dataclass
class ReportOptions:
    """The report of a sweep."""

    all: bool = machine(False, "Cover all records of the folder, not the newest sweep's alone.")
    published: str | None = machine(
        None, "Published table to stand beside: a file of `published/`, or none; null: by what the sweep varies."
    )
    title: str | None = machine(None, "Title of the report.")
    comparisons: list[ComparisonOptions] = machine([], "Planned comparisons, fixed before the run.")


@dataclass
class ExportOptions:
    """`stage=export`: a copy of the encoder for use outside."""

    output: str | None = machine(None, "Directory that receives the encoder.")
