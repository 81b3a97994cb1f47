"""What a report shows: nothing that names a person or a machine, and no name that is markup or a formula."""

import csv
import getpass
import io
import re
import socket
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nsp_ablation.options.output_options import ComparisonOptions, ContrastOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.anonymity import places_of
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell
from nsp_ablation.reporting.render.outputs import OUTPUTS, write_report
from nsp_ablation.reporting.render.table_files import markdown, table_csv
from nsp_ablation.reporting.render.terminal import terminal_text

USER, HOST = "jdoe77", "gauss42"
NASTY = ("=cmd|' /C calc'!A1", "+1+2", "-x", "@SUM(1)", "<b>bold</b>", "**b** [a](http://x)", "a|b", "$x^2$ & $", "`c`")


@pytest.fixture
def secret_study(results, monkeypatch, tmp_path):
    """A study whose settings, encoder, command and failures name a person's directories; the directories' home."""
    home = tmp_path / "home of" / USER
    home.mkdir(parents=True)
    monkeypatch.setattr(getpass, "getuser", lambda: USER)
    monkeypatch.setattr(socket, "gethostname", lambda: HOST)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "/nonexistent")
    config = {
        "paths": {"artifacts": f"{home}/art", "results": f"{home}/results"},
        "corpus": {"name": "text", "path": f"{home}/my corpus/*.txt"},
        "tokenizer": {"path": f"/scratch/{USER}/tok"},
        "logger": {"entity": USER},
        "seed": 1,
    }
    full = results.add("squad1", 0.5, config=config)
    own = results.add("squad1", 0.4, arm="external", seed=None, path=f"{home}/encoders/best", config=config)
    failed = results.add("mnli", config=config, status="failed")
    record = results.folder.read(failed)
    results.folder.write_failed(failed, replace(record, reason=f"{home}/glue/x y.tsv: line 3 (host {HOST})"))
    words = [f"corpus.path='{home}/my corpus/*.txt'", f"paths.artifacts={home}/art", f"logger.entity={USER}"]
    words += [f"encoder={home}/encoders/best", f"corpus.path=https://{USER}:pw@example.org/x.gz"]
    cell = SweepCell("full", words, [full, own], "failed", f"{home}/art/stores/ab/ids.npy is damaged")
    begin_sweep(results.folder.path, Manifest(f"python {home}/run.py {words[1]}", "2026-11-24T10:00:00+00:00", [cell]))
    write_cell(results.folder.path, cell)
    write_cell(
        results.folder.path, SweepCell("mnli", [], [failed], "done", None)
    )  # so that the record tells its reason
    return results.folder.path, home, config


def outputs(path, config, **options):
    comparisons = [ComparisonOptions("full", "doc")]
    contrasts = [ContrastOptions("an interaction", "2*full - doc - segment_pair")]
    options = ReportOptions(comparisons=comparisons, contrasts=contrasts, **options)
    report = load_report(path, "study", options, places=places_of(config))
    write_report(path / "report", report)
    files = {file.name: file.read_text() for file in (path / "report").rglob("*") if file.is_file()}
    drawn = {"probes.svg", "curves.svg", "aligned.svg", "losses.svg", "comparisons.svg", "sizes.svg"}
    assert {Path(name).name for name in OUTPUTS} - files.keys() <= drawn, "of what the study has"
    return files | {"terminal": terminal_text(report, Path("report"), [], color=True, width=100)}


def test_no_output_names_a_person_or_a_machine(secret_study):
    path, home, config = secret_study
    for name, text in outputs(path, config).items():
        plain = " ".join(text.replace("\\", "").replace("{-}", "-").replace("allowbreak{}", "").split())
        for secret in (USER, HOST, "home of", "/scratch", "pw@", str(home), str(path.parent.parent)):
            assert secret not in text, (name, secret)
            assert secret not in plain, (name, secret)


def test_what_is_shown_instead_says_what_was_used(secret_study):
    path, _, config = secret_study
    files = outputs(path, config)
    plain = files["appendix.tex"].replace("\\allowbreak{}", "").replace("{-}", "-").replace("\\_", "_")
    for words in ("paths.artifacts=artifacts", "https://example.org/x.gz", "artifacts/stores/ab/ids.npy is damaged"):
        assert words in plain, words
    assert {row["encoder"] for row in rows(files["table.csv"]) if row["arm"] == "external"} == {"best"}


def test_names_can_be_shown_where_that_is_asked_for(secret_study):
    path, home, config = secret_study
    files = outputs(path, config, anonymous=False)
    external = [row for row in rows(files["table.csv"]) if row["arm"] == "external"]
    assert external[0]["encoder"] == f"{home}/encoders/best"
    assert f"{home}/glue/x y.tsv: line 3 (host {HOST})" in files["table.md"].replace("\\", "")


def test_a_record_that_was_made_anonymous_shows_its_names_only_where_asked_for(results, tmp_path):
    key = results.add("squad1", 0.4, arm="external", seed=None, path=f"{tmp_path}/secret/best")
    record = results.folder.read(key)
    results.folder.record_path(key).unlink()
    hidden = record.anonymous(places_of({}))
    assert (hidden.encoder.path, hidden.restored().encoder.path) == ("best", f"{tmp_path}/secret/best")
    assert hidden.private["values"]["/encoder/path"] == f"{tmp_path}/secret/best"
    assert hidden.anonymous(places_of({})) == hidden


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("name", NASTY)
def test_no_name_is_markup_or_a_formula(results, name, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    results.add("squad1", 0.4, arm="external", seed=None, path=name, config={"tasks": {"squad1": {"title": name}}})
    results.add("sst2", arm="external", seed=None, path=name, status="failed")
    path = results.folder.path
    report = load_report(path, name, ReportOptions(title=name))
    write_report(path / "report", report)
    for row in csv.reader(io.StringIO((path / "report" / "table.csv").read_text())):
        assert not [cell for cell in row if re.match(r"[=+@\t\r]|-(?![\d.])", cell)]
    page = Tags()
    page.feed((path / "report" / "report.html").read_text())
    assert not {"b", "script"} & page.seen
    ElementTree.parse(path / "report" / "figures" / "scores.svg")
    text = (path / "report" / "table.md").read_text()
    assert not re.search(r"(?<!\\)\*\*|<b>|(?<!\\)\[a|(?<!\\)`", text)
    header = next(line for line in text.splitlines() if line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", header)) == len(report.columns) + 2


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FULL-SENTENCES, T 128", "FULL-SENTENCES, T 128"),
        ("table2_formats", "table2_formats"),
        ("_x_ and *y*", r"\_x\_ and \*y\*"),
        ("a & b &lt; c", "a & b &amp;lt; c"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("# no\nhead", r"\# no head"),
        ("[a](b)", r"\[a\](b)"),
        ("50.0†", "50.0†"),
    ],
)
def test_markdown_shows_the_text_itself(text, expected):
    assert markdown(text) == expected


def test_numbers_in_csv_stay_numbers(results):
    results.add("in_context_recall", 0.0, fine=None, metrics={"recall_gain": -0.25})
    report = load_report(results.folder.path, "study", ReportOptions())
    (row,) = [row for row in rows(table_csv(report)) if row["metric"] == "recall_gain"]
    assert float(row["mean"]) == -0.25


def test_characters_that_steer_a_terminal_are_shown_as_none(results, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    results.add("squad1", 0.4, arm="external", seed=None, path="a\x1b[2Jb\u202ec")
    report = load_report(results.folder.path, "study", ReportOptions())
    write_report(results.folder.path / "report", report)
    text = terminal_text(report, Path("report"), [], color=False, width=100)
    assert not re.search("[\x1b\u202e]", text)
    ElementTree.parse(results.folder.path / "report" / "figures" / "scores.svg")
