"""The tree of options: what stands where in a configuration. Values come from `conf/` and the command line."""

from dataclasses import dataclass

from nsp_ablation.options.check_options import CheckOptions
from nsp_ablation.options.corpus_options import CorpusOptions, TokenizerOptions
from nsp_ablation.options.finetuning_options import FinetuningOptions
from nsp_ablation.options.format_options import BUDGETS, FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.options.model_options import ModelOptions
from nsp_ablation.options.output_options import (
    ArtifactsOptions,
    ExportOptions,
    InspectOptions,
    LauncherOptions,
    LoggerOptions,
    PathsOptions,
    ReportOptions,
    StatusOptions,
)
from nsp_ablation.options.preparation_options import PreparationOptions
from nsp_ablation.options.pretraining_options import BatchOptions, PretrainingOptions
from nsp_ablation.options.probe_options import ProbesOptions
from nsp_ablation.options.setting import MAX_SEED, READ_PATH, REQUIRED, WRITTEN_PATH, group, identity, machine, science
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.options.trainer_options import TrainerOptions

STAGES = ("all", "prepare", "inspect", "cost", "pretrain", "finetune", "report", "export", "artifacts", "status")
OBJECTIVES = ("paper", "mlm", "mlm_nsp", "mlm_sop")


@dataclass
class Config:
    """The root."""

    stage: str = machine("all", "What is done.", *STAGES)
    name: str = machine("adhoc", "Folder of records and reports below paths.results.", path=WRITTEN_PATH)
    condition_name: str | None = machine(None, "Name of the condition, set by condition=.")
    scale_name: str | None = machine(None, "Name of the scale, set by scale=.")
    seed: int = identity(1, "Seed of pre-training: weights, order, samples, masks (row 16).", low=0, high=MAX_SEED)
    objective: str = science(
        "paper", "Losses: paper is NSP for the pair formats and MLM alone for the others.", *OBJECTIVES
    )
    budget: str = science("paper", "What an update of each format holds (fidelity row 1).", *BUDGETS)
    max_length: int = science(REQUIRED, "T: tokens per input at most, special tokens included.", low=8, high=2**20)
    encoder: str | None = identity(
        None, "An encoder to evaluate instead: a directory, a hub name, or random.", path=READ_PATH
    )
    encoder_note: str | None = machine(None, "What is to be known of `encoder`: tables say it beside its scores.")
    format: FormatOptions = group(FormatOptions)
    masking: MaskingOptions = group(MaskingOptions)
    tokenizer: TokenizerOptions = group(TokenizerOptions)
    model: ModelOptions = group(ModelOptions)
    corpus: CorpusOptions = group(CorpusOptions)
    preparation: PreparationOptions = group(PreparationOptions, "machine")
    batch: BatchOptions = group(BatchOptions)
    pretraining: PretrainingOptions = group(PretrainingOptions)
    finetuning: FinetuningOptions = group(FinetuningOptions)
    tasks: dict[str, TaskOptions] = identity({}, "The tasks and probes, by name.")
    probes: ProbesOptions = group(ProbesOptions, "identity")
    checks: CheckOptions = group(CheckOptions, "machine")
    trainer: TrainerOptions = group(TrainerOptions)
    logger: LoggerOptions = group(LoggerOptions, "machine")
    launcher: LauncherOptions = group(LauncherOptions, "machine")
    paths: PathsOptions = group(PathsOptions, "machine")
    inspect: InspectOptions = group(InspectOptions, "machine")
    report: ReportOptions = group(ReportOptions, "machine")
    export: ExportOptions = group(ExportOptions, "machine")
    artifacts: ArtifactsOptions = group(ArtifactsOptions, "machine")
    status: StatusOptions = group(StatusOptions, "machine")
