"""The fine-tuning benchmark runs, and every implementation makes the updates that it counts."""

import json

import pytest


@pytest.fixture(scope="module")
def benchmark(benchmark_module):
    return benchmark_module("finetuning")


@pytest.mark.slow
def test_a_quick_run_writes_what_it_measured(benchmark, tmp_path, capsys):
    benchmark.main(["--quick", "--output", str(tmp_path)])
    (cell,) = json.loads((tmp_path / "finetuning.json").read_text())["cells"]
    (found,) = cell["rounds"]
    assert found.keys() == cell["samples_per_second"].keys()
    assert min(found.values()) > 0
    ours, *others = found.values()
    assert [*cell["times"].values()] == [ours / other for other in others]
    assert "| micro | 16 |" in (tmp_path / "finetuning.md").read_text()


def test_the_samples_are_read_back_as_they_were_written(benchmark, tmp_path):
    samples = benchmark.write_task(tmp_path, 20, 50)
    lines = (tmp_path / "train.tsv").read_text().splitlines()[1:]
    assert [line.split("\t") for line in lines] == [[a, b, benchmark.LABELS[label]] for a, b, label in samples]
