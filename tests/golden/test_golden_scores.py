"""Fine-tunings and probes score every example as in the golden runs, on the kinds of CPU that these were made on.

Scores hang on the last bit of a sum, so another kind of CPU may give others; there the tests skip and say so.
"""

import json
from pathlib import Path

import pytest

RECORDED = json.loads(Path(__file__).with_name("golden.json").read_text())["scores"]["by_cpu"]
TASKS = sorted({task for results in RECORDED.values() for task in results})


@pytest.fixture(scope="module")
def expected(make):
    kind = make.cpu_kind()
    if kind not in RECORDED:
        pytest.skip(f"no golden scores of {kind}; record those of an unchanged commit: tests/golden/make.py scores")
    return RECORDED[kind]


@pytest.fixture(scope="module")
def measured(make, golden, expected, tmp_path_factory):
    return make.scores(golden, tmp_path_factory.mktemp("scores"))


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_golden_scores(measured, expected, task):
    assert measured[task] == expected[task]


@pytest.mark.slow
def test_golden_scores_cover_every_task_that_was_run(measured, expected):
    assert set(measured) == set(expected)
