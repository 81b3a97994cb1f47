"""Axes of figures: round ticks within them, logarithmic where values are orders of magnitude apart, no runaway ends."""

import math
import random

import pytest

from nsp_ablation.reporting.render.axis_scale import LOG_RATIO, AxisScale, scale_of

PLACE = (10.0, 310.0)
INFINITE = float("inf")


def number(text):
    """Return what a tick says."""
    scale = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1.0)
    return float(text.rstrip("kMG").replace(",", "").replace("−", "-")) * scale


def drawn_axes():
    rng = random.Random(3)
    for _ in range(300):
        low = rng.choice([0.0, 1.0, -1.0]) * 10 ** rng.uniform(-6, 7)
        yield scale_of([low, low + 10 ** rng.uniform(-6, 7)], [], PLACE)
    for _ in range(100):
        low = 10 ** rng.uniform(-4, 4)
        yield scale_of([low, low * 10 ** rng.uniform(1.6, 8)], [], PLACE)


@pytest.mark.parametrize("most", [5, 6])
def test_ticks_are_few_ascend_lie_within_the_axis_and_say_what_they_are(most):
    kinds = set()
    for scale in drawn_axes():
        ticks = scale.ticks(most)
        values = [value for value, _ in ticks]
        assert 1 <= len(ticks) <= most, scale
        assert values == sorted(set(values))
        slack = 1e-6 * (scale.high - scale.low)
        assert scale.low - slack <= values[0]
        assert values[-1] <= scale.high + slack
        for value, text in ticks:
            assert number(text) == pytest.approx(value, rel=1e-3, abs=1e-12), (value, text)
        assert len({text for _, text in ticks}) == len(ticks), "no two ticks read alike"
        kinds.add(scale.is_log)
    assert kinds == {True, False}


def test_positions_rise_with_values_and_stay_within_the_axis():
    for scale in drawn_axes():
        values = [scale.low + (scale.high - scale.low) * share for share in (-1, 0, 0.2, 0.7, 1, 2)]
        places = [scale.at(value) for value in values]
        assert places == sorted(places)
        assert (places[1], places[4]) == (pytest.approx(PLACE[0]), pytest.approx(PLACE[1]))
        assert (places[0], places[5]) == (places[1], places[4])


@pytest.mark.parametrize(
    ("points", "is_log"),
    [
        ([2.0, 2.0 * LOG_RATIO * 1.01], True),
        ([2.0, 2.0 * LOG_RATIO * 0.99], False),
        ([0.0, 1e6], False),
        ([-1.0, 1e6], False),
        ([3.0, 4619.0, 118.0], True),
    ],
)
def test_an_axis_is_logarithmic_where_positive_values_are_orders_of_magnitude_apart(points, is_log):
    assert scale_of(points, [], PLACE).is_log == is_log
    assert not scale_of(points, [], PLACE, may_be_log=False).is_log


def test_on_a_logarithmic_axis_equal_ratios_are_equal_distances():
    scale = AxisScale(1.0, 10_000.0, True, 0.0, 400.0)
    assert [scale.at(value) for value in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])


def test_the_ends_of_a_long_interval_leave_the_points_apart():
    scale = scale_of([40.0, 60.0], [-12_000.0, 21_000.0], PLACE)
    assert scale.at(60) - scale.at(40) > 0.25 * (PLACE[1] - PLACE[0])
    near = scale_of([40.0, 60.0], [35.0, 66.0], PLACE)
    assert near.low < 35
    assert near.high > 66


def test_no_axis_leaves_its_bounds_unless_a_point_does():
    bounded = scale_of([10.0, 99.0], [-50.0, 150.0], PLACE, bounds=(0.0, 100.0))
    assert (bounded.low, bounded.high) == (0.0, 100.0)
    outside = scale_of([10.0, 120.0], [], PLACE, bounds=(0.0, 100.0))
    assert outside.high == 120.0


def test_values_that_are_no_numbers_and_values_that_are_all_alike_have_an_axis():
    for points in ([], [float("nan")], [INFINITE, -INFINITE], [0.0, 0.0], [5.0], [-5.0, -5.0]):
        scale = scale_of(points, [INFINITE], PLACE)
        assert math.isfinite(scale.low) and scale.low < scale.high  # noqa: PT018
        assert scale.ticks(6)
