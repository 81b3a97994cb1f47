"""The files of `results/<name>/report/`: which renderer writes each."""

from collections.abc import Callable
from pathlib import Path

from nsp_ablation.base.artifact import write_text
from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.owned_paths import make_directory, owned
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.curves_figure import aligned_figure, curves_figure
from nsp_ablation.reporting.render.figures import scores_figure
from nsp_ablation.reporting.render.forest_figure import forest_figure
from nsp_ablation.reporting.render.histogram_figure import sizes_figure
from nsp_ablation.reporting.render.html_page import html_page
from nsp_ablation.reporting.render.latex import compile_pdf
from nsp_ablation.reporting.render.loss_figure import loss_figure
from nsp_ablation.reporting.render.reading_table import latex_table
from nsp_ablation.reporting.render.table_files import comparisons_csv, contrasts_csv, markdown_page, table_csv

# One line per output: its file, and a pure function of the report, which returns None where there is nothing to show.
OUTPUTS: dict[str, Callable[[Report], str | None]] = {
    "table.md": markdown_page,
    "table.csv": table_csv,
    "table.tex": latex_table,
    "comparisons.csv": comparisons_csv,
    "contrasts.csv": contrasts_csv,
    "report.html": html_page,
    "appendix.tex": appendix,
    "figures/scores.svg": lambda report: scores_figure(report, False),
    "figures/probes.svg": lambda report: scores_figure(report, True),
    "figures/curves.svg": curves_figure,
    "figures/aligned.svg": aligned_figure,
    "figures/comparisons.svg": forest_figure,
    "figures/losses.svg": loss_figure,
    "figures/sizes.svg": sizes_figure,
}


def write_report(directory: Path, report: Report) -> list[str]:
    """Write every output below `directory` and remove those of an older report; return what is to be warned of.

    Raises InputError where a part of the directory is a symbolic link, before anything is written or removed, and
    DamageError where a directory lies in a file's place.
    """
    make_directory(owned(directory.parent, directory.name))
    texts = {owned(directory, name): render(report) for name, render in OUTPUTS.items()}
    for stale in [*(path for path, text in texts.items() if text is None), owned(directory, "appendix.pdf")]:
        make_directory(stale.parent)
        if stale.is_dir():
            raise DamageError(f"{stale} is a directory, not a file; delete it and run the same command again")
        stale.unlink(missing_ok=True)
    for path, text in texts.items():
        if text is not None:
            write_text(path, text)
    source = owned(directory, "appendix.tex")
    problem = compile_pdf(source) if texts.get(source) is not None else None
    return [problem] if problem else []
