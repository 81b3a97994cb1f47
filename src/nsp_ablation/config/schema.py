"""The configuration: every key's name, type, unit, validity and kind.

No field has a default here: values live in `conf/`.
"""

from dataclasses import dataclass

from nsp_ablation.config.input_schema import PAIR_FORMATS as PAIR_FORMATS
from nsp_ablation.config.input_schema import CorpusConfig, FormatConfig, MaskingConfig, TokenizerConfig
from nsp_ablation.config.kinds import MAX_SEED, label, machine, science
from nsp_ablation.config.task_schema import FinetuningConfig, TaskConfig

# GPUs whose peak is known (training.peak has it).
DEVICES = (
    *("H200", "H100 PCIe", "H100 NVL", "H100", "A100", "A40", "A10", "RTX A6000", "RTX 6000 Ada", "L40S", "L40", "L4"),
    *("RTX 4090", "RTX 3090", "V100", "T4"),
)
STAGES = ("all", "prepare", "inspect", "pretrain", "finetune", "report", "export")


@dataclass
class ModelConfig:
    """The encoder. The `*_init` keys and `unigram_output_bias` are for small models alone (README, small scales)."""

    name: str = science()
    architecture: str = science("bert", "roberta", "roberta_prelayernorm")
    num_layers: int = science(low=1)
    hidden_size: int = science(low=8)
    num_heads: int = science(low=1)
    intermediate_size: int = science(low=8)
    dropout: float = science(low=0.0, high=0.9)
    attention_dropout: float = science(low=0.0, high=0.9)
    type_vocab_size: int = science(low=1, high=2)
    init_std: float = science(low=1e-4, high=1.0)
    sinusoid_init_base: float | None = science(low=2.0)
    sinusoid_init_scale: float | None = science(low=0.0)
    lookup_init: bool = science()
    neighbour_init: bool = science()
    unigram_output_bias: bool = science()
    init_from: str | None = science()


@dataclass
class BatchConfig:
    """Sequences of one update, in the sense of `budget`."""

    sequences: int = science(low=1)


@dataclass
class PretrainingConfig:
    """Optimization of pre-training (section 2, table 9). `max_steps` counts updates."""

    max_steps: int = science(low=1)
    learning_rate: float = science(low=0.0)
    warmup_ratio: float = science(low=0.0, high=1.0)
    beta1: float = science(low=0.0, high=0.99999)
    beta2: float = science(low=0.0, high=0.99999)
    epsilon: float = science(low=0.0)
    weight_decay: float = science(low=0.0)
    decay_all: bool = science()
    gradient_clip: float = science(low=0.0)
    heldout_tokens: int = science(low=0)
    export_at: list[int] = machine()
    checkpoint_seconds: float = machine(low=0.0)


@dataclass
class TrainerConfig:
    """The machine of a run. `precision` is a science setting; the rest changes the speed alone.

    Each device takes `accumulation` micro-batches of an update, and more where one of them would exceed `max_tokens`
    real tokens (null: no limit). `peak_tflops` is one device's, for the MFU of the log (null: by name or measured).
    `dry_run` trains nothing and tells what a run would take, on `dry_run_device` (null: this machine) at `dry_run_mfu`.
    """

    name: str = machine()
    accelerator: str = machine("cpu", "gpu", "auto")
    devices: int = machine(low=1)
    num_nodes: int = machine(low=1)
    precision: str = science("32-true", "bf16-mixed", "16-mixed", "64-true")
    accumulation: int = machine(low=1)
    max_tokens: int | None = machine(low=16)
    compile: bool = machine()
    gradient_checkpointing: bool = machine()
    num_workers: int = machine(low=0)
    num_threads: int | None = machine(low=1)
    progress: bool = machine()
    peak_tflops: float | None = machine(low=1e-6)
    dry_run: bool = machine()
    dry_run_device: str | None = machine(*DEVICES)
    dry_run_mfu: float = machine(low=0.001, high=1.0)


@dataclass
class LoggerConfig:
    """Where curves go. wandb is offline unless `offline=false`."""

    name: str = machine("csv", "wandb", "tensorboard")
    project: str = machine()
    entity: str | None = machine()
    offline: bool = machine()
    every_steps: int = machine(low=1)


@dataclass
class PathsConfig:
    """Where outputs go, relative to the working directory."""

    artifacts: str = machine()
    results: str = machine()


@dataclass
class InspectConfig:
    """`stage=inspect`. `num_samples` is a number or `all`; epochs count from 1; `figure` draws all four formats."""

    output: str | None = machine()
    figure: str | None = machine()
    num_samples: str = machine()
    epoch: int = machine(low=1)


@dataclass
class ComparisonConfig:
    """A planned comparison of two conditions (names of `conf/condition/`, or formats)."""

    a: str = machine()
    b: str = machine()


@dataclass
class ReportConfig:
    """The report. `published` names the paper's table to stand beside; null chooses it by what the sweep varies."""

    all: bool = machine()
    published: str | None = machine("none", "table1", "table2")
    title: str | None = machine()
    comparisons: list[ComparisonConfig] = machine()


@dataclass
class ExportConfig:
    """`stage=export`: the directory that receives a copy of the encoder."""

    output: str | None = machine()


@dataclass
class Config:
    """The root."""

    stage: str = machine(*STAGES)
    name: str = machine()
    condition_name: str | None = machine()
    scale_name: str | None = machine()
    seed: int = label(low=0, high=MAX_SEED)
    objective: str = science("paper", "mlm", "mlm_nsp", "mlm_sop")
    budget: str = science("paper", "tokens", "sequences")
    max_length: int = science(low=8)
    encoder: str | None = label()
    format: FormatConfig = science()
    masking: MaskingConfig = science()
    tokenizer: TokenizerConfig = science()
    model: ModelConfig = science()
    corpus: CorpusConfig = science()
    batch: BatchConfig = science()
    pretraining: PretrainingConfig = science()
    finetuning: FinetuningConfig = science()
    tasks: dict[str, TaskConfig] = label()
    trainer: TrainerConfig = science()
    logger: LoggerConfig = machine()
    paths: PathsConfig = machine()
    inspect: InspectConfig = machine()
    report: ReportConfig = machine()
    export: ExportConfig = machine()
