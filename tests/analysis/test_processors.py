"""Warnings of paired cells that ran on different processors."""

import pytest

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report

AMD, INTEL = "cpu AMD EPYC 7B13 (x86_64)", "cpu Intel Xeon (x86_64)"


@pytest.fixture
def add(results):
    """add(format, seed, evaluated on, pre-trained on, task): one record."""

    def one(name, seed, evaluated=AMD, trained=AMD, task="squad1", **over):
        device = {"provenance": {"device": f"{evaluated}, 1 threads"}, "facts": {"device": trained}}
        results.add(task, seed=seed, condition={"format": name}, path=f"encoders/{name}{seed}", **device, **over)

    return one


def warnings_of(results):
    report = load_report(results.folder.path, "study", ReportOptions())
    return [line for line in report.warnings if "processors" in line]


def test_paired_cells_of_one_processor_are_no_matter(results, add):
    """Seeds may each have a processor of its own, and a device any number of threads."""
    for name in ("full", "doc"):
        add(name, 1)
        add(name, 2, INTEL, INTEL)
    add("doc", 3, f"{INTEL}, 1", INTEL)  # of a seed that no other arm has
    results.add(seed=4, condition={"format": "full"}, provenance={"device": f"{AMD}, 8 threads"}, path="encoders/f4")
    add("doc", 4, trained=None)
    results.add(seed=4, arm="random", provenance={"device": INTEL}, path="encoders/r4")
    assert warnings_of(results) == []


def test_cells_of_a_seed_that_were_trained_or_evaluated_apart_are_named(results, add):
    for name in ("full", "doc", "segment_pair"):
        for seed in (1, 2):
            moved = name == "doc" and seed == 2
            add(name, seed, trained=INTEL if moved else AMD)
    (line,) = warnings_of(results)
    assert line.startswith("paired cells were pre-trained on different processors (run all arms of a seed on one")
    named = f"seed 2: FULL-SENTENCES, SEGMENT-PAIR, no NSP on {AMD}; DOC-SENTENCES on {INTEL}"
    assert line.endswith(f": {named}")
    add("full", 3, INTEL)
    add("doc", 3)
    trained, evaluated = warnings_of(results)
    assert trained == line
    assert evaluated.endswith(f"seed 3: DOC-SENTENCES on {AMD}; FULL-SENTENCES on {INTEL}")


def test_tasks_are_each_compared_alone(results, add):
    """All arms' probes on one processor and all arms' fine-tunings on another leave every difference within one."""
    for name in ("full", "doc"):
        add(name, 1, AMD)
        add(name, 1, INTEL, task="mnli")
    assert warnings_of(results) == []
    add("full", 2, task="mnli")
    add("doc", 2, INTEL, task="mnli")
    (line,) = warnings_of(results)
    assert "seed 2: FULL-SENTENCES on" in line


def test_three_seeds_at_most_are_named(results, add):
    for seed in range(1, 6):
        add("full", seed)
        add("doc", seed, INTEL)
    (line,) = warnings_of(results)
    assert [f"seed {seed}:" in line for seed in range(1, 6)] == [True] * 3 + [False] * 2
    assert line.endswith("(and 2 more seeds)")
