from collections import Counter

import numpy as np
import pytest

from nsp_ablation.base.randomness import draw64, epoch_key, sample_key, stream
from nsp_ablation.text.microworld.world import (
    ADJECTIVES,
    ANTONYMS,
    NAMES,
    SLOT_OF,
    SLOT_VALUES,
    adjectives_of,
    values_of,
)
from nsp_ablation.text.microworld.world_draws import Draws, balanced


def test_every_value_word_names_its_slot():
    assert sum(map(len, SLOT_VALUES.values())) == len(SLOT_OF) == 57
    assert not set(SLOT_OF) & {*NAMES, *ADJECTIVES[0], *ADJECTIVES[1]}


def test_a_is_the_right_article_of_every_value_and_adjective():
    words = [word for word, slot in SLOT_OF.items() if slot not in ("home", "size")] + [*ADJECTIVES[0], *ADJECTIVES[1]]
    assert not [word for word in words if word[0] in "aeiou"]


@pytest.mark.parametrize("slot", SLOT_VALUES)
def test_the_halves_of_a_slot_share_no_word_and_cover_it(slot):
    train, dev = values_of("train")[slot], values_of("dev")[slot]
    assert set(train).isdisjoint(dev)
    assert {*train, *dev} == set(values_of("all")[slot])
    assert min(len(train), len(dev)) >= 3  # two people and a false value need three


def test_antonyms_are_in_one_half():
    for half in ("train", "dev"):
        sizes = values_of(half)["size"]
        assert {ANTONYMS[size] for size in sizes} == set(sizes)


@pytest.mark.parametrize("polarity", [0, 1])
def test_the_halves_of_the_adjectives_share_no_word_and_cover_them(polarity):
    train, dev = adjectives_of("train")[polarity], adjectives_of("dev")[polarity]
    assert set(train).isdisjoint(dev)
    assert len(train) == len(dev) == 10


def test_draws_are_a_function_of_seed_name_and_sample():
    def numbers(*key):
        draws = Draws(*key)
        return [draws.integer(1000) for _ in range(600)]  # more than two blocks of bits

    assert numbers(1, "a", 0) == numbers(1, "a", 0)
    others = [numbers(1, "a", 0), numbers(2, "a", 0), numbers(1, "b", 0), numbers(1, "a", 1)]
    assert len({tuple(other) for other in others}) == 4
    assert len(set(others[0][:256]) & set(others[0][256:512])) < 100  # the second block is no copy of the first


def test_draws_are_uniform():
    draws = Draws(1, "uniform", 0)
    counts = Counter(draws.integer(6) for _ in range(60_000))
    assert sorted(counts) == [0, 1, 2, 3, 4, 5]
    assert all(abs(count - 10_000) < 5 * 91 for count in counts.values())
    assert abs(sum(draws.chance(0.3) for _ in range(10_000)) - 3_000) < 5 * 46


def test_samples_are_without_replacement_and_every_order_comes():
    draws = Draws(1, "sample", 0)
    counts = Counter(tuple(draws.sample("abc", 2)) for _ in range(6_000))
    assert set(counts) == {(first, second) for first in "abc" for second in "abc" if first != second}
    assert all(abs(count - 1_000) < 5 * 29 for count in counts.values())


def test_balanced_choices_come_equally_often_in_random_order():
    choices = balanced("abc", 3_001, seed=1, name="x")
    assert sorted(Counter(choices).values()) == [1_000, 1_000, 1_001]
    assert choices[:300] != balanced("abc", 3_001, seed=2, name="x")[:300]
    assert 800 < sum(first == second for first, second in zip(choices, choices[1:], strict=False)) < 1_200


@pytest.mark.parametrize("sample", [0, 1, 63, 64, 20_000])
def test_draws_are_the_high_bits_of_their_own_sample_whoever_drew_before(sample):
    """Blocks of 256 are taken from their end; the first ones of neighbouring samples are made together."""
    key = sample_key(np.full(1, epoch_key(7, stream("microworld/x"), 0)), np.full(1, sample, np.uint64))
    expected = (draw64(key, np.arange(512, dtype=np.uint64)) >> np.uint64(32)).tolist()
    Draws(7, "x", sample + 1).integer(2)
    draws = Draws(7, "x", sample)
    assert [draws.integer(1 << 32) for _ in range(512)] == [*expected[255::-1], *expected[:255:-1]]
