"""The reports of all results in this repository are made anew from their records, by the code of today."""

import csv
from pathlib import Path

import pytest

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.render.outputs import OUTPUTS

ROOT = Path(__file__).parents[1]
# `results/adhoc` is not committed; of tests, results as older versions wrote them
FOLDERS = [
    *(path.parent for path in sorted((ROOT / "results").glob("**/records")) if "adhoc" not in path.parts),
    *(path.parent for path in sorted((ROOT / "tests" / "records").glob("schema*/records"))),
]


def study(folder):
    """A folder as a parameter; the studies of `results/` are large, and made anew in CI."""
    marks = [pytest.mark.slow] if folder.is_relative_to(ROOT / "results") else []
    return pytest.param(folder, marks=marks, id=str(folder.relative_to(ROOT)))


@pytest.mark.parametrize("folder", [study(folder) for folder in FOLDERS])
def test_committed_results_give_every_output_and_the_numbers_of_their_table(folder):
    report = load_report(folder, folder.name, ReportOptions(all=not (folder / "manifest.json").exists()))
    assert report.num_done > 0
    texts = {name: render(report) for name, render in OUTPUTS.items()}
    assert all(texts[name] for name in ("table.md", "table.csv", "table.tex", "report.html", "appendix.tex"))
    keys = ("arm", "encoder", "condition", "format", "science", "task", "metric")
    found = {tuple(row[key] for key in keys): row for row in csv.DictReader(texts["table.csv"].splitlines())}
    for path in (folder / "report" / "table.csv", folder / "table.csv"):
        for row in csv.DictReader(path.read_text().splitlines()) if path.exists() else ():
            assert found[tuple(row[key] for key in keys)]["median"] == row["median"], row


def test_results_are_found():
    assert FOLDERS
