"""How many cells of a sweep run at once, and on which device each."""

import math
import sys

from nsp_ablation.base.free_memory import free_memory_bytes
from nsp_ablation.base.process import heavy_imports, job_rank, num_cores
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.cost.training_cost import (
    Work,
    encoder_size,
    memory_estimate,
    parameter_counts,
    training_flops,
)

_SIDE_BY_SIDE = ("all", "finetune", "pretrain")  # stages that train; preparation takes all cores by itself
# A process of a cell beside what training takes: 0.4 GB of its own, where modules are shared, as measured at
# model=micro; with room for the stores and tasks of larger ones.
_PROCESS_BYTES = 700 << 20
# Less is done before a second process has imported what it needs (8 s of a core at some 20 GFLOP/s).
_SMALL_FLOPS = 4e11
_OPEN_VOCABULARY = 32_768  # of a pretrained tokenizer, whose files are not read here

Slot = dict[str, str]  # variables of the environment of the cell that runs there


def slots_of(configs: list[Config]) -> list[Slot]:
    """Return a slot for each cell of a sweep that runs at once; with one, cells run in this process one by one."""
    wanted = configs[0].launcher.num_cells
    trainers = [config.trainer for config in configs]
    is_alone = len(configs) == 1 or wanted == 1 or job_rank() is not None
    is_distributed = any(trainer.devices * trainer.num_nodes > 1 for trainer in trainers)
    trains = all(config.stage in _SIDE_BY_SIDE and not config.trainer.dry_run for config in configs)
    accelerators = {trainer.accelerator for trainer in trainers}
    if is_alone or is_distributed or not trains or len(accelerators) > 1:
        return [{}]
    (accelerator,) = accelerators
    if accelerator in ("gpu", "auto"):
        with heavy_imports():
            from nsp_ablation.learning.engine.training_device import cuda_devices

        if devices := cuda_devices():
            number = min(len(configs), len(devices), wanted or len(devices))
            return [{"CUDA_VISIBLE_DEVICES": device} for device in devices[:number]] if number > 1 else [{}]
    if accelerator == "mps":
        return [{}]
    return [{}] * min(len(configs), _num_on_cpu(configs) if wanted is None else wanted)


def _num_on_cpu(configs: list[Config]) -> int:
    cores = num_cores()
    threads = max(config.model.num_threads or cores for config in configs)
    if cores // threads < 2 or sum(map(_least_flops, configs)) < _SMALL_FLOPS:
        return 1
    free, needed = free_memory_bytes(), max(map(_memory_bytes, configs))
    by_memory = cores if free is None else int(free // needed)
    return max(1, min(cores // threads, by_memory))


def _sizes(config: Config) -> tuple[int, int]:
    """Return the size of the vocabulary and the most tokens of a micro-batch."""
    update = config.batch.sequences * config.max_length
    tokens = math.ceil(update / config.trainer.accumulation)
    return config.tokenizer.vocab_size or _OPEN_VOCABULARY, min(tokens, config.trainer.max_tokens or sys.maxsize)


def _memory_bytes(config: Config) -> float:
    """Return about what the process of a cell takes."""
    vocab_size, tokens = _sizes(config)
    size = encoder_size(config.model, vocab_size)
    memory = memory_estimate(
        sum(parameter_counts(config.model, vocab_size, config.max_length, 0).values()),
        size,
        tokens,
        round(config.masking.probability * tokens),
        precision=config.trainer.precision,
        has_dropout=config.model.dropout > 0,
        checkpoints_layers=config.trainer.gradient_checkpointing,
    )
    return _PROCESS_BYTES + memory.total


def _least_flops(config: Config) -> float:
    """Return the FLOPs of a cell's trainings as far as the settings say; infinite where they do not."""
    vocab_size, _ = _sizes(config)
    size, tokens = encoder_size(config.model, vocab_size), config.batch.sequences * config.max_length
    work = Work(tokens, tokens * config.max_length, config.masking.probability * tokens, 0)
    pretraining = 0.0 if config.encoder is not None else config.pretraining.max_steps * training_flops(size, work)
    if config.stage == "pretrain":
        return pretraining
    if config.finetuning.max_steps is None:
        return math.inf
    recipe = config.finetuning.recipe
    tokens = (recipe.batch_size or 1) * config.max_length
    arms = 2 if config.finetuning.untrained_row and config.encoder is None else 1
    updates = config.finetuning.max_steps * len(config.tasks) * len(config.finetuning.seeds) * arms
    return pretraining + updates * training_flops(size, Work(tokens, tokens * config.max_length, 0, 0))
