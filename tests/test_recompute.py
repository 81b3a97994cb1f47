"""The second computation of all published numbers shares no code with the first: it finds them, and finds a fault."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "results" / "recompute"
FOLDERS = [path.parent for path in sorted((ROOT / "results").glob("*/*/records")) if "adhoc" not in path.parts]


def recompute(*folders):
    return subprocess.run([sys.executable, PROGRAM, *folders], capture_output=True, text=True, check=False)


@pytest.fixture
def study(tmp_path):
    """The smallest committed folder, to be altered: one encoder, five tasks, clusters of every size."""
    return Path(shutil.copytree(ROOT / "results" / "calibration" / "micro", tmp_path / "micro"))


def test_nothing_of_the_package_is_used():
    sources = "".join(path.read_text() for path in PROGRAM.glob("*.py"))
    assert "import nsp_ablation" not in sources
    assert "from nsp_ablation" not in sources


def test_published_numbers_are_found(study):
    done = recompute(study)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DIFFERS" not in done.stdout
    assert "Not recomputed:" in done.stdout


def test_one_altered_digit_in_each_place_is_found(study):
    alterations = [
        ("report/table.csv", "59.626915", "59.626916", "scores and intervals; table.csv minilm mnli.accuracy median"),
        ("report/table.csv", "55.865993", "55.866993", "scores and intervals; table.csv minilm squad1.f1 low"),
        ("report/table.md", "25.2–31.9", "25.2–31.8", "scores and intervals; table.md"),
        ("report/table.md", "standard error 1.7", "standard error 1.8", "baselines not beaten; table.md"),
        ("report/report.html", "<span>87.4<small>", "<span>87.5<small>", "scores and intervals; report.html, results"),
        ("report/report.html", "<span>1.94<", "<span>1.95<", "cost; report.html, cost"),
        ("report/table.tex", "60.4 &", "60.3 &", "scores and intervals; table.tex"),
        ("report/figures/scores.svg", ">28.5<", ">28.6<", "marks in figures; figures/scores.svg"),
        ("records/external-minilm-mnli-f1-3f13ad3a.json", "0.59626915", "0.59626914", "metrics of records; records/"),
    ]
    for file, published, altered, _ in alterations:
        path = study / file
        assert published in path.read_text()
        path.write_text(path.read_text().replace(published, altered, 1))
    done = recompute(study)
    assert done.returncode == 1
    assert [place for *_, place in alterations if f"DIFFERS  {place}" not in done.stdout] == []


def test_a_folder_without_records_is_named(tmp_path):
    done = recompute(tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.stdout


@pytest.mark.slow
def test_every_committed_study(tmp_path):
    done = recompute(*FOLDERS)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in (
        "p, Holm, equality",
        "seeds needed",
        "correlation between arms",
        "verdicts",
        "layouts",
        "answer in words",
    ):
        assert kind in done.stdout


@pytest.mark.slow
def test_an_altered_comparison_is_found(tmp_path):
    study = Path(shutil.copytree(ROOT / "results" / "table2_formats" / "micro", tmp_path / "micro"))
    for file, published, altered in (
        ("comparisons.csv", "0.041506899496305844", "0.041507899496305844"),
        ("comparisons.csv", ",113,a above b", ",114,a above b"),
        ("table.md", "113 (42–927)", "113 (43–927)"),
        ("report.html", "full above segment_pair_nsp", "segment_pair_nsp above full"),
        ("appendix.tex", "correlation $-$0.97", "correlation $-$0.96"),
    ):
        path = study / "report" / file
        assert published in path.read_text()
        path.write_text(path.read_text().replace(published, altered, 1))
    found = recompute(study).stdout
    places = ("p, Holm, equality; comparisons.csv", "seeds needed; comparisons.csv", "seeds needed; table.md")
    for place in (*places, "verdicts; report.html", "correlation between arms; appendix.tex"):
        assert f"DIFFERS  {place}" in found


@pytest.mark.slow
def test_contrasts_are_recomputed_in_every_document(tmp_path, nsp):
    study = tmp_path / "results" / "loss_vs_format" / "micro"
    shutil.copytree(ROOT / "results" / "loss_vs_format" / "micro", study)
    arms = "segment_pair_mlm - segment_pair_nsp - sentence_pair_mlm + sentence_pair_nsp"
    plan = f"[{{what:'loss: by format',arms:'{arms}'}},{{what:an arm is lacking,arms:'2*full - doc - nothing'}}]"
    words = ("stage=report", "experiment=loss_vs_format", "report.all=true", f"paths.results={tmp_path / 'results'}")
    assert nsp(*words, f"report.contrasts={plan}")[0] == 0
    done = recompute(study)
    assert done.returncode == 0, done.stdout
    assert " contrasts" in done.stdout
    mean = re.search(r"^\| loss: by format .*?(\+\d+\.\d\d)", (study / "report" / "table.md").read_text(), re.M)[1]
    shown = {"contrasts.csv": mean[1:], "table.md": mean, "report.html": mean, "appendix.tex": f"mean {mean}"}
    for file, published in shown.items():
        path = study / "report" / file
        text = path.read_text()
        assert published in text
        path.write_text(text.replace(published, published[:-1] + str((int(published[-1]) + 1) % 10), 1))
    found = recompute(study).stdout
    for file in shown:
        assert f"DIFFERS  contrasts; {file}" in found
