"""The settings of the paper (sections 2 to 4, table 9) as shipped."""

from dataclasses import asdict

import pytest

from nsp_ablation.reporting.analysis.paper_settings import PAPER_SETTINGS
from nsp_ablation.reporting.analysis.study_arms import setting

SECTION_4 = {"beta1": 0.9, "epsilon": 1e-6, "weight_decay": 0.01, "gradient_clip": 0.0, "decay_all": False}
TABLE_3 = {
    "256": {"sequences": 256, "max_steps": 1_000_000, "learning_rate": 1e-4, "beta2": 0.999},
    "2k": {"sequences": 2048, "max_steps": 125_000, "learning_rate": 7e-4, "beta2": 0.98},
    "8k": {"sequences": 8192, "max_steps": 31_000, "learning_rate": 1e-3, "beta2": 0.98},
}
SIZES = {"base": (12, 768, 12, 3072), "large": (24, 1024, 16, 4096)}


def _differences(config, expected):
    found = {**vars(config.pretraining), **vars(config.batch)}
    return {key: (found[key], value) for key, value in expected.items() if found[key] != value}


@pytest.mark.parametrize("batch", sorted(TABLE_3))
@pytest.mark.parametrize("model", ["base", "large"])
def test_batches_of_table_3_with_either_model(config, model, batch):
    composed = config(f"model={model}", f"batch={batch}")
    assert not _differences(composed, SECTION_4 | TABLE_3[batch])
    assert composed.max_length == 512


def test_batches_of_table_3_read_equally_often():
    sequences = {name: row["sequences"] * row["max_steps"] for name, row in TABLE_3.items()}
    assert sequences["256"] == sequences["2k"]
    assert sequences["8k"] == pytest.approx(sequences["256"], rel=0.01)


def test_base_is_section_2s(config):
    composed = config("model=base")
    assert not _differences(composed, SECTION_4 | TABLE_3["256"])
    assert round(composed.pretraining.warmup_ratio * composed.pretraining.max_steps) == 10_000


def test_large_is_table_9s(config):
    composed = config("model=large")
    table_9 = {"sequences": 8192, "max_steps": 500_000, "learning_rate": 4e-4, "beta2": 0.98}
    assert not _differences(composed, SECTION_4 | table_9)
    assert round(composed.pretraining.warmup_ratio * composed.pretraining.max_steps) == 30_000


@pytest.mark.parametrize("model", sorted(SIZES))
def test_sizes_dropout_and_initialization_are_berts(config, model):
    sizes = config(f"model={model}").model
    assert (sizes.num_layers, sizes.hidden_size, sizes.num_heads, sizes.intermediate_size) == SIZES[model]
    assert (sizes.dropout, sizes.attention_dropout, sizes.init_std) == (0.1, 0.1, 0.02)
    starts = (sizes.sinusoid_init_base, sizes.sinusoid_init_scale, sizes.init_from)
    assert starts == (None, None, None)
    assert not any((sizes.lookup_init, sizes.neighbour_init, sizes.unigram_output_bias))


def test_the_paper_scale_is_section_4s(config):
    composed = config("scale=paper")
    assert not _differences(composed, SECTION_4 | TABLE_3["256"])
    assert (composed.model.name, composed.corpus.name, composed.max_length) == ("base", "books_wikipedia", 512)
    assert (composed.tokenizer.name, composed.tokenizer.vocab_size) == ("wordpiece", 30_522)
    assert (composed.trainer.precision, composed.finetuning.name) == ("bf16-mixed", "bert")
    assert composed.finetuning.seeds == [1, 2, 3, 4, 5]
    own = {one.key: one.value for one in PAPER_SETTINGS if isinstance(one.key, str)}
    assert {key: setting(asdict(composed), key) for key in own} == own, "what an appendix calls no deviation"


@pytest.mark.parametrize("trainer", ["gpu", "ddp", "slurm"])
def test_gpus_take_any_batch_in_micro_batches(config, trainer):
    settings = config("model=base", "batch=8k", f"trainer={trainer}").trainer
    assert settings.accumulation == 1
    assert settings.max_tokens >= 2 * 512


@pytest.mark.parametrize("trainer", ["gpu", "ddp", "slurm"])
def test_on_gpus_curves_and_checkpoints_are_rare_unless_typed(config, trainer):
    """Both make a device wait; a model or logger that is chosen beside it changes neither."""
    composed = config("model=base", f"trainer={trainer}", "logger=tensorboard")
    assert (composed.logger.every_steps, composed.logger.name) == (50, "tensorboard")
    assert composed.pretraining.checkpoint_seconds == 600
    typed = config(f"trainer={trainer}", "logger.every_steps=7", "pretraining.checkpoint_seconds=1")
    assert (typed.logger.every_steps, typed.pretraining.checkpoint_seconds) == (7, 1)
    laptop = config("trainer=cpu")
    assert (laptop.logger.every_steps, laptop.pretraining.checkpoint_seconds) == (10, 30)


def test_a_limit_below_two_sequences_is_refused(refused):
    (line,) = refused("trainer.max_tokens=150")
    assert line.startswith("trainer.max_tokens=150: expected at least twice max_length=96")
