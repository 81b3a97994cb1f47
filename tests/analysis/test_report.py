"""The report: self-contained, repeatable, right about what failed, and free of torch."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.facts import majority_accuracy
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.digest import write_sealed
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.figures import scores_figure
from nsp_ablation.reporting.render.latex import code, compile_pdf, escape
from nsp_ablation.reporting.render.outputs import OUTPUTS, write_report
from nsp_ablation.reporting.render.svg_panel import PANEL_WIDTH, PLAIN
from nsp_ablation.reporting.render.terminal import terminal_text

SOURCE = Path(__file__).parents[2] / "src"
FILES = ["appendix.tex", "comparisons.csv", "figures/comparisons.svg", "figures/probes.svg", "figures/scores.svg"]
FILES += ["figures/losses.svg", "report.html"]
FILES += ["table.csv", "table.md", "table.tex"]
NASTY = r"""50% of $x_1$ & <b>"~#^{}\|" [a] — Łódź, naïve 数"""
HAS_TEX = shutil.which("pdflatex") or shutil.which("latexmk") or shutil.which("tectonic")


@pytest.fixture
def no_tex(monkeypatch):
    """Compiling takes seconds; tests that do not look at the PDF go without an engine."""
    monkeypatch.setenv("PATH", "/nonexistent")


def report_of(results, **info):
    return load_report(results.folder.path, "study", ReportOptions(**info))


def build(path, **info):
    """Write a folder's report and return the terminal's text."""
    report = load_report(path, path.name, ReportOptions(**info))
    trouble = write_report(path / "report", report)
    return terminal_text(report, path / "report", trouble, color=False, width=100)


def begin(results, *cells):
    begin_sweep(results.folder.path, Manifest("python run.py -m format=full", "2026-11-24T10:00:00+00:00", []))
    for cell in cells:
        write_cell(results.folder.path, cell)


def test_all_files_are_written_and_equal_records_give_equal_bytes(small_study, no_tex):
    path, contents = small_study.folder.path, []
    for _ in range(2):
        build(path, comparisons=[ComparisonOptions("full", "segment_pair")])
        files = sorted(file for file in (path / "report").rglob("*") if file.is_file())
        contents.append({str(file.relative_to(path / "report")): file.read_bytes() for file in files})
    assert {*FILES} <= contents[0].keys() <= {*OUTPUTS}
    assert contents[0] == contents[1]


def test_another_output_is_a_function_of_the_report_and_one_line(results, no_tex, monkeypatch):
    results.add()
    monkeypatch.setitem(OUTPUTS, "labels.txt", lambda report: "".join(row.label for row in report.arms))
    monkeypatch.setitem(OUTPUTS, "nothing.txt", lambda report: None)
    build(results.folder.path)
    written = results.folder.path / "report"
    assert (written / "labels.txt").read_text() == "FULL-SENTENCES"
    assert not (written / "nothing.txt").exists()


def test_terminal_text_fits_100_characters(full_study):
    report = nasty_report(full_study)
    text = terminal_text(report, Path("results/study/report"), ["trouble"], color=False, width=100)
    assert max(map(len, text.splitlines())) <= 100


def test_no_record_still_gives_a_report(tmp_path, no_tex):
    text = build(tmp_path / "adhoc", comparisons=[ComparisonOptions("full", "doc")])
    assert "No results yet" in text
    assert "No results yet" in (tmp_path / "adhoc" / "report" / "report.html").read_text()
    assert (tmp_path / "adhoc" / "report" / "table.csv").read_text().count("\n") == 1


def test_what_is_of_an_older_version_is_told_in_one_line_and_never_read(small_study, no_tex):
    path = small_study.folder.path
    begin(small_study)
    manifest = path / "manifest.json"
    for file in [*sorted((path / "records").glob("*.json"))[:3], manifest]:
        data = json.loads(file.read_text()) | {"schema": 2}
        del data["digest"]  # schema 2 had none
        file.write_text(json.dumps(data))
    line = "not read, since of an older version: 3 records and the manifest of the newest sweep; run the same command"
    assert [text for text in report_of(small_study).warnings if "older" in text] == [f"{line} again"]
    assert report_of(small_study).num_done == 5
    for file in (path / "records").glob("*.json"):
        file.write_text('{"schema": 1}')
    text = build(path)
    assert "No results yet" in text
    assert "warning: not read, since of an older version: 8 records" in text


def test_files_have_the_mode_that_the_umask_gives_and_links_are_not_followed(results, no_tex, tmp_path):
    results.add()
    before = os.umask(0o027)
    try:
        build(results.folder.path)
    finally:
        os.umask(before)
    report = results.folder.path / "report"
    files = [path for path in report.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    shutil.rmtree(report / "figures")
    (tmp_path / "scores.svg").write_text("mine")
    (report / "figures").symlink_to(tmp_path)
    written = {path: path.read_bytes() for path in files if path.parent == report}
    with pytest.raises(ValueError, match="figures is a symbolic link"):
        build(results.folder.path, title="another")
    assert (tmp_path / "scores.svg").read_text() == "mine"
    assert {path: path.read_bytes() for path in written} == written


def test_figures_of_an_older_report_do_not_stay(results, no_tex):
    results.add("in_context_recall", 0.5, fine=None)
    build(results.folder.path)
    begin(results)
    build(results.folder.path)
    assert list((results.folder.path / "report" / "figures").glob("*.svg")) == []


def test_only_the_newest_sweep_stands_in_the_table_unless_all_are_asked_for(results, no_tex):
    results.add(score=0.111)
    new = results.add(score=0.222, condition={"format": "doc"})
    begin(results, SweepCell("doc", ["format=doc"], [new], "done", None))
    newest, every = build(results.folder.path), build(results.folder.path, all=True)
    assert "22.2" in newest
    assert "11.1" not in newest
    assert "11.1" in every


def test_a_cell_that_failed_before_its_first_record_is_shown_as_failed(results, no_tex):
    key = results.add()
    lost = SweepCell("doc-mlm-p1", ["format=doc"], [], "failed", "corpus.path=x holds one document")
    begin(
        results,
        SweepCell("full", ["format=full"], [key], "done", None),
        lost,
        SweepCell("late", [], [], "planned", None),
    )
    text = build(results.folder.path)
    assert re.search(r"doc-mlm-p1 +failed", text)
    assert re.search(r"late +–", text)
    assert "failed: doc-mlm-p1: corpus.path=x holds one document" in text
    assert "cells of the sweep that are not finished: late" in text
    assert len((results.folder.path / "report" / "table.csv").read_text().splitlines()) == 3


def test_failures_are_told_once(results):
    key = results.add(status="failed")
    begin(results, SweepCell("full", [], [key], "failed", "diverged"))
    assert report_of(results).failures == ["full: diverged"]
    begin(results, SweepCell("full", [], [key], "done", None))
    assert report_of(results).failures == [f"{key}: diverged"]


def test_html_asks_the_network_for_nothing_and_escapes(results, no_tex):
    results.add(score=0.5)
    results.add("mnli", status="failed", reason="<script>alert(1)</script>")
    build(results.folder.path, title="a <b> & c")
    page = (results.folder.path / "report" / "report.html").read_text()
    assert "<script" not in page
    assert "a &lt;b&gt; &amp; c" in page
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", page) == []
    assert re.findall(r"url\((?!#)|@import|<link|<iframe|<img", page) == []


def test_each_link_of_the_page_leads_to_one_part(small_study, no_tex):
    build(small_study.folder.path)
    page = (small_study.folder.path / "report" / "report.html").read_text()
    ids, links = re.findall(r' id="([^"]+)"', page), re.findall(r'href="#([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 5
    assert set(links) <= set(ids)
    assert "results" in links


def test_svg_is_well_formed_repeatable_and_undated(small_study):
    first, second = report_of(small_study), report_of(small_study)
    for are_probes in (False, True):
        svg = scores_figure(first, are_probes)
        assert svg == scores_figure(second, are_probes)
        ElementTree.fromstring(svg)
    assert ">F1, %<" in scores_figure(first, False)
    assert ">gain, nats<" not in scores_figure(first, False)


def test_svg_has_room_for_names_of_any_length(small_study):
    report = report_of(small_study)
    for length in (1, 130, 400):
        extra = " ".join(["setting=1.0"] * (length // 12)) + "x" * length
        sections = [
            replace(section, rows=[replace(row, label=f"{row.label} {extra}") for row in section.rows])
            for section in report.sections
        ]
        root = ElementTree.fromstring(scores_figure(replace(report, sections=sections), False))
        lines = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text") if one.get("x") == "0"]
        assert max(map(len, lines)) * 0.5 * PLAIN < PANEL_WIDTH, "half a font size per character is little"
        assert "x" * length in "".join(lines)


def test_svg_draws_every_arm_and_a_failure_as_a_word(full_study):
    svg = scores_figure(report_of(full_study), False)
    for text in ("SEGMENT-PAIR + NSP", "untrained encoder", "RACE", "failed"):
        assert f">{text}</text>" in svg


def test_pretraining_facts_stand_with_the_majority_of_nsp(full_study):
    table = report_of(full_study).pretraining
    facts = {cells[0]: dict(zip(table.heads, cells, strict=True)) for cells in table.rows}
    assert list(facts) == ["SEGMENT-PAIR + NSP", "SENTENCE-PAIR + NSP", "FULL-SENTENCES", "DOC-SENTENCES"]
    assert facts["SEGMENT-PAIR + NSP"]["passes"] == "1.35"
    assert facts["SEGMENT-PAIR + NSP"]["P(random next)"] == "0.560"
    assert facts["SEGMENT-PAIR + NSP"]["NSP accuracy"] == "81.0%"
    assert facts["SEGMENT-PAIR + NSP"]["NSP majority"] == "56.0%"
    assert facts["FULL-SENTENCES"]["NSP majority"] == "–"
    assert facts["FULL-SENTENCES"]["seconds"] == "361"
    assert majority_accuracy(0.3) == 0.7


def test_each_arm_states_what_it_read(full_study):
    """Means over the seeds 1 and 2, of 7,000,000 + seed real tokens."""
    report = report_of(full_study)
    facts = {cells[0]: dict(zip(report.pretraining.heads, cells, strict=True)) for cells in report.pretraining.rows}
    expected = {
        "M tokens": "7.00",
        "special tokens": "2.86%",
        "M maskable tokens": "6.80",
        "M predictions": "1.050",
        "M corpus tokens read once or more": "5.00",
        "passes": "1.00",
    }
    assert {head: facts["FULL-SENTENCES"][head] for head in expected} == expected
    assert all(head in appendix(report) for head in expected)


def test_what_a_record_of_schema_3_does_not_say_is_a_dash(results):
    results.add(schema=3)
    results.add(condition={"format": "doc"})
    path = results.folder.record_path(next(key for key in results.folder.ids() if key.startswith("full")))
    data = json.loads(path.read_text())
    for name in ("maskable_tokens", "special_tokens", "unique_tokens", "device", "plateau"):
        del data["pretraining"][name]
    for name in ("ids_sha256", "items_sha256", "origin"):
        del data[name]
    write_sealed(path, data)
    table = report_of(results).pretraining
    facts = {cells[0]: dict(zip(table.heads, cells, strict=True)) for cells in table.rows}
    assert facts["FULL-SENTENCES"]["M maskable tokens"] == facts["FULL-SENTENCES"]["special tokens"] == "–"
    assert facts["DOC-SENTENCES"]["M maskable tokens"] == "6.80"


def test_a_reader_is_warned_of_unequal_origins(results):
    results.add()
    assert report_of(results).warnings == []
    other = {"device": "cuda NVIDIA H100", "attention_backend": "varlen", "dirty": True, "commit": "fedcba9876543210"}
    results.add(seed=2, provenance=other)
    text = "\n".join(report_of(results).warnings)
    for words in ("kind of device: cpu, cuda", "attention backend: sdpa, varlen", "commit: 0123", "1 of 2 records"):
        assert words in text


def test_an_optional_part_that_was_left_out_is_told_with_its_reason(results):
    for seed in (1, 2):
        results.add(seed=seed, omitted={"heldout_loss": "of the held-out documents alone: no pair fits"})
    told = "heldout loss left out, of the held-out documents alone: no pair fits (2 records)"
    assert report_of(results).warnings == [told]


def test_records_of_another_study_are_told_with_its_name(results):
    for seed, origin in ((1, None), (2, "table2/micro"), (3, "table2/micro")):
        results.add(seed=seed, origin=origin)
    labels = [row[0] for row in report_of(results).provenance.rows]
    assert labels == ["1 record", "2 records, taken over from table2/micro"]


def test_two_cpus_are_one_kind_of_device(results):
    results.add()
    results.add(seed=2, provenance={"device": "cpu Intel"})
    assert report_of(results).warnings == []


@pytest.mark.parametrize("module", ["render.outputs", "dashboards.wandb_pages", "analysis.make_report"])
def test_analysis_never_loads_torch_and_loads_no_plotting_before_it_plots(module):
    heavy = ("torch", "matplotlib", "pandas", "scipy")
    program = f"import sys, nsp_ablation.reporting.{module}; print([m for m in {heavy} if m in sys.modules])"
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, env=os.environ | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_building_a_report_never_loads_torch(results):
    results.add()
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from nsp_ablation.reporting.analysis.make_report import ReportOptions, load_report\n"
        "from nsp_ablation.reporting.render.outputs import OUTPUTS, write_report\n"
        f"path = Path({str(results.folder.path)!r})\n"
        "write_report(path / 'report', load_report(path, 'study', ReportOptions())); print('torch' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(SOURCE), "PATH": "/nonexistent", "HOME": str(results.folder.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 50%", r"a\_b \& 50\%"),
        (r"C:\x{y}", r"C:\textbackslash{}x\{y\}"),
        ("~^$#", r"\textasciitilde{}\textasciicircum{}\$\#"),
        ("×10 −0.1 ±", r"$\times$10 $-$0.1 $\pm$"),
        ("naïve Łódź", "na\\\"{i}ve \\L{}\\'{o}d\\'{z}"),
        ("数", "{[}U+6570{]}"),
        ("--max", "{-}{-}max"),
    ],
)
def test_latex_special_characters(text, expected):
    assert escape(text) == expected


def test_code_keeps_every_character_and_may_break():
    assert code("a=b") == r"\texttt{a=\allowbreak{}b}"


def nasty_report(full_study):
    full_study.add("mnli", seed=9, status="failed", reason=NASTY, config={"corpus": {"text_key": NASTY}, "seed": 9})
    ids = full_study.folder.ids()
    begin(full_study, SweepCell("full", [f"name={NASTY}"], ids, "failed", NASTY))
    return report_of(full_study, title=NASTY, comparisons=[ComparisonOptions("full", "doc")])


def test_appendix_holds_set_up_settings_decisions_and_commands(full_study):
    text = appendix(nasty_report(full_study))
    for words in ("Set{-}up", "Results", "Hyper{-}parameters", "Open points of the paper", "Commands", "Provenance"):
        assert words in text
    assert "26. SOP" in text
    assert code("python run.py -m format=full") in text
    assert code(f"python run.py name={NASTY}") in text


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TEX, reason="no TeX engine is installed")
def test_appendix_compiles_alone_and_within_another_document(full_study, tmp_path):
    source = tmp_path / "appendix.tex"
    source.write_text(appendix(nasty_report(full_study)), encoding="utf-8")
    assert compile_pdf(source) is None
    first = source.with_suffix(".pdf").read_bytes()
    assert first.startswith(b"%PDF")
    host = tmp_path / "host.tex"
    packages = "\\documentclass{article}\\usepackage{booktabs,longtable}\\begin{document}Before.\n"
    host.write_text(f"{packages}\\input{{{source}}}\nAfter.\\end{{document}}\n")
    assert compile_pdf(host) is None
    assert host.with_suffix(".pdf").exists()


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TEX, reason="no TeX engine is installed")
def test_a_tex_error_is_a_warning_and_leaves_no_pdf(tmp_path):
    source = tmp_path / "appendix.tex"
    source.write_text("\\documentclass{article}\\begin{document}\\undefinedthing\\end{document}")
    assert "Undefined control sequence" in compile_pdf(source)
    assert list(tmp_path.iterdir()) == [source]


def test_without_an_engine_there_is_no_pdf_and_no_complaint(tmp_path, no_tex):
    source = tmp_path / "appendix.tex"
    source.write_text("x")
    assert compile_pdf(source) is None
    assert list(tmp_path.iterdir()) == [source]
