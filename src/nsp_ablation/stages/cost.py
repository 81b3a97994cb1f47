"""`stage=cost`: what a cell would take, without training it."""

from dataclasses import fields, replace

import numpy as np

from nsp_ablation.base.program_name import command_of
from nsp_ablation.config.identity import condition, resolved_objective
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.cost.training_cost import (
    EncoderSize,
    Work,
    encoder_size,
    memory_estimate,
    parameter_counts,
    training_flops,
)
from nsp_ablation.learning.engine.device_peak import device_peak, published_peak
from nsp_ablation.learning.engine.training_device import device_problem, torch_device
from nsp_ablation.options.format_options import is_pair
from nsp_ablation.options.preparation_options import PREPARATIONS
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.device import model_threads
from nsp_ablation.pipeline.input_estimate import InputEstimate, estimate_input
from nsp_ablation.pipeline.micro_batch_plan import MicroBatchPlan, plan_micro_batches
from nsp_ablation.pipeline.overview import chain_lines
from nsp_ablation.pipeline.store_estimate import estimate_stores
from nsp_ablation.reporting.analysis.published import published_names
from nsp_ablation.reporting.records.record import Condition
from nsp_ablation.stages.cell import CellRun


def run(cell: CellRun) -> None:
    """Print a cell's parameters, tokens, FLOPs, memory, hours and command. The chain says what is there already.

    Raises InputError where the vocabulary or the device is not known.
    """
    config = cell.config
    read = estimate_input(config)
    plan = plan_micro_batches(config.trainer, read.size, read.lengths)
    frame = read.frame
    counts = parameter_counts(config.model, frame.vocab_size, frame.max_length, frame.pad)
    size = encoder_size(config.model, frame.vocab_size)
    flops = training_flops(size, _work(config, read))
    published, steps, tokens = published_cell(config), config.pretraining.max_steps, read.size.mean_tokens
    update = f"{tokens:,.0f} per update ({read.size.mean_sequences:,.1f} sequences)"
    with model_threads(config.model.num_threads):
        hours = _hours(config, flops)
    lines = [
        command(cell.overrides),
        *([f"published as {published}"] if published else []),
        f"parameters {sum(counts.values()):,}: {', '.join(f'{part} {number:,}' for part, number in counts.items())}",
        f"real tokens {update}, {tokens * steps:.3g} in {steps:,} updates; {read.source}",
        f"FLOPs {flops:.3g} per update, {flops * steps:.3g} in all, {flops / tokens:.3g} per token",
        _memory(config, plan, sum(counts.values()), size),
        hours,
        *_preparation(config, frame.vocab_size),
        *(f"chain: {line}" for line in chain_lines(config)),
    ]
    for i, line in enumerate(lines):
        say("cost", line if i == 0 else f"  {line}")


def published_cell(config: Config) -> str | None:
    """Return the table and row of each published number that a configuration repeats at full size, None for none."""
    return "; ".join(published_names(Condition(**condition(config)))) or None


def command(overrides: list[str]) -> str:
    """Return the command that runs one cell for good; `overrides` are those of the cell within its sweep."""
    words = [word for word in overrides if word != "stage=cost" and not word.startswith("trainer.dry_run")]
    plain = [word.replace("'", "") if word.startswith("batch=") else word for word in words]  # the sweep quotes numbers
    return command_of(plain)


def _work(config: Config, read: InputEstimate) -> Work:
    """Return what the model does in one update, on average."""
    size = read.size
    content = size.mean_tokens - (3 if is_pair(config.format.name) else 2) * size.mean_sequences  # without special ones
    return Work(
        num_tokens=size.mean_tokens,
        attended=size.mean_sequences * float(np.square(read.lengths, dtype=np.float64).mean()),
        num_predictions=config.masking.probability * content,
        num_pairs=size.mean_sequences if resolved_objective(config) != "mlm" else 0,
    )


def _memory(config: Config, plan: MicroBatchPlan, num_parameters: int, size: EncoderSize) -> str:
    trainer = config.trainer
    memory = memory_estimate(
        num_parameters,
        size,
        plan.max_tokens,
        round(config.masking.probability * plan.max_tokens),
        precision=trainer.precision,
        has_dropout=config.model.dropout > 0,
        checkpoints_layers=trainer.gradient_checkpointing,
    )
    parts = ", ".join(f"{field.name} {_gigabytes(getattr(memory, field.name))}" for field in fields(memory))
    batches = f"{plan.accumulation} micro-batch{'es' if plan.accumulation > 1 else ''} per update"
    return f"memory per device ~{_gigabytes(memory.total)} ({parts}); {batches}, <= {plan.max_tokens:,} tokens each"


def _hours(config: Config, flops: float) -> str:
    trainer = config.trainer
    num_devices = trainer.devices * trainer.num_nodes
    name, peak = _device(trainer)
    if peak is None:
        return f"hours not known: no peak of {name}; set trainer.dry_run_device or trainer.peak_tflops"
    hours = flops * config.pretraining.max_steps / (num_devices * peak * trainer.dry_run_mfu) / 3600
    device = f"{num_devices} x {name} ({peak / 1e12:.3g} TFLOP/s in {trainer.precision})"
    return f"hours {hours:,.1f} for pre-training on {device} at an MFU of {trainer.dry_run_mfu:.0%}"


def _preparation(config: Config, vocab_size: int) -> list[str]:
    """Return the line of what is still to be prepared, where the size of its text is given."""
    gigabytes = config.preparation.dry_run_gigabytes
    if gigabytes is None:
        return []
    has_engine = PREPARATIONS[config.preparation.name].has_tasks or config.corpus.removes_near_duplicates
    read = estimate_stores(gigabytes * 1e9, vocab_size, has_engine)
    disk, shards = map(_gigabytes, (read.store_bytes, read.shard_bytes))
    return [
        f"preparation of {gigabytes:g} GB of text: ~{read.tokens:.3g} tokens, {disk} of disk for the stores and "
        f"{shards} for shards until they are joined, {read.worker_bytes / 1e6:.0f} MB of memory per worker, "
        f"~{read.core_hours:,.1f} hours of one core (as measured on 2 GB of English prose)"
    ]


def _device(trainer: TrainerOptions) -> tuple[str, float | None]:
    """Return the name of a device and its peak FLOP/s, None where it is not known."""
    if trainer.dry_run_device is not None:
        name, peak = trainer.dry_run_device, published_peak(trainer.dry_run_device, trainer.precision)
    elif device_problem(one := replace(trainer, devices=1)) is not None:
        name, peak = {"gpu": "GPU"}.get(trainer.accelerator, trainer.accelerator), None
    else:
        device = torch_device(one)
        name, peak = f"this {device.type.upper()}", device_peak(device, trainer.precision)
    return name, peak if trainer.peak_tflops is None else trainer.peak_tflops * 1e12


def _gigabytes(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"
