"""Settings given as a multiple of what model and scale set."""

import dataclasses

import pytest

from nsp_ablation.config.factors import multiplied


def test_a_batch_of_four_times_the_sequences_takes_a_fourth_of_the_updates_at_every_scale(config):
    micro, smoke = config("condition=full_batch_x4"), config("condition=full_batch_x4", "scale=smoke")
    assert (micro.batch.sequences, micro.pretraining.max_steps) == (44, 1125)
    assert (smoke.batch.sequences, smoke.pretraining.max_steps) == (16, 1)


def test_a_product_is_the_cell_whose_number_was_typed(cells):
    (typed, factor) = (
        cells("condition=full", "batch.sequences=22", "pretraining.max_steps=9000")[0].config,
        cells("condition=full", "batch.sequences_factor=2", "pretraining.max_steps_factor=2")[0].config,
    )
    assert typed == factor
    assert len(cells("-m", "batch.sequences=11,22", "batch.sequences_factor=1,2")) == 3, "11, 22 twice, 44"


def test_products_are_whole_numbers_and_at_least_one(config):
    found = config("batch.sequences=3", "batch.sequences_factor=0.5", "pretraining.max_steps_factor=0.001")
    assert (found.batch.sequences, found.pretraining.max_steps) == (2, 4)
    found = config("pretraining.max_steps=9", "pretraining.max_steps_factor=0.001")
    assert found.pretraining.max_steps == 1


def test_a_configuration_without_factors_is_left_alone(config):
    plain = config()
    assert multiplied(plain) is plain
    twice = dataclasses.replace(plain, batch=dataclasses.replace(plain.batch, sequences_factor=2.0))
    assert multiplied(multiplied(twice)) == multiplied(twice)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("batch.sequences=16777216", "batch.sequences_factor=2"),
            "batch.sequences_factor=2.0: makes batch.sequences=33,554,432, more than 16,777,216; lower either",
        ),
        (
            ("pretraining.max_steps=1099511627776", "pretraining.max_steps_factor=1000"),
            "pretraining.max_steps_factor=1000.0: makes pretraining.max_steps=1,099,511,627,776,000",
        ),
    ],
)
def test_a_product_beyond_its_bound_is_refused(refused, words, line):
    assert refused(*words)[0].startswith(line)
