"""The report of a study: terminal text, and every file of `results/<name>/report/`."""

from collections.abc import Sequence
from pathlib import Path

from nsp_ablation.base.artifact import write_text
from nsp_ablation.reporting.analysis.comparisons import COMPARISON_COLUMNS, Comparison, compare
from nsp_ablation.reporting.analysis.facts import failures, warnings
from nsp_ablation.reporting.analysis.study import Study, StudyInfo, load_study
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.caption import caption
from nsp_ablation.reporting.render.figures import figures
from nsp_ablation.reporting.render.latex import compile_pdf
from nsp_ablation.reporting.render.page import html_page
from nsp_ablation.reporting.render.rendering import latex_table, markdown_table
from nsp_ablation.reporting.render.tables import LONG_COLUMNS, csv_text, long_rows, reading_table
from nsp_ablation.reporting.render.terminal import terminal_text


def build_report(
    folder: Path,
    *,
    study: StudyInfo,
    record_ids: Sequence[str] | None = None,
    color: bool = False,
    width: int = 100,
) -> str:
    """Write `folder`/report from its records and return the terminal text.

    `folder` is `results/<name>`; `record_ids` None takes the newest sweep's. `color` asks for ANSI colours. Works with
    no finished record, too. Raises ValueError naming a malformed file.
    """
    loaded = load_study(folder, study, record_ids)
    comparisons = compare(loaded)
    trouble = _write_files(folder / "report", loaded, comparisons)
    return terminal_text(loaded, comparisons, folder / "report", trouble, color=color, width=width)


def _write_files(directory: Path, study: Study, comparisons: list[Comparison]) -> list[str]:
    table, sentences = reading_table(study), caption(study)
    drawn = figures(study)
    written = {
        "table.md": _markdown(study),
        "table.csv": csv_text(LONG_COLUMNS, long_rows(study)),
        "table.tex": latex_table(table, [f"{study.title}.", *sentences], "tab:nsp-ablation"),
        "comparisons.csv": csv_text(COMPARISON_COLUMNS, [one.csv_row() for one in comparisons]),
        "report.html": html_page(study, drawn, comparisons),
        "appendix.tex": appendix(study),
    } | {f"figures/{name}.svg": svg for name, svg in drawn.items()}
    for stale in [*(directory / "figures").glob("*.svg"), directory / "appendix.pdf"]:
        stale.unlink(missing_ok=True)
    for name, text in written.items():
        write_text(directory / name, text)
    problem = compile_pdf(directory / "appendix.tex")
    return [problem] if problem else []


def _markdown(study: Study) -> str:
    parts = [f"# {study.title}", markdown_table(reading_table(study)), " ".join(caption(study))]
    notes = [*(f"- Warning: {text}" for text in warnings(study)), *(f"- Failed: {text}" for text in failures(study))]
    return "\n\n".join(part for part in [*parts, "\n".join(notes)] if part) + "\n"
