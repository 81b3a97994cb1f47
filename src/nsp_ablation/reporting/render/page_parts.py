"""The parts of the report page below its answer and its table, each with its figures and tables, in their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nsp_ablation.reporting.analysis.comparison_notes import CONTRAST_NOTE
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.comparison_tables import contrast_table, exploratory_table, planned_table
from nsp_ablation.reporting.render.curves_figure import curve_panels
from nsp_ablation.reporting.render.figures import score_panels
from nsp_ablation.reporting.render.forest_figure import forest_panels
from nsp_ablation.reporting.render.histogram_figure import size_panels
from nsp_ablation.reporting.render.loss_figure import loss_panels_of
from nsp_ablation.reporting.render.svg_panel import FigurePanel, panel_svg

_SCORES = (
    "Every task: dot and number are the median over pre-training seeds, ticks beneath it the seeds, the bar is the "
    "95 % interval of the mean (an arrow head where it goes on), a dashed line is chance; hollow dots are static "
    "masking or the untrained encoder, an arrow head alone one that lies beyond the axis."
)
_DIAMONDS = " A diamond is the published number."
_PROBES = "Zero-shot probes, without fine-tuning, drawn alike."
_FOREST = (
    "Differences of the planned comparisons: the dot is the mean over pre-training seeds, the thick bar its 95 % "
    "interval, the thin bar the one that holds for all of them together; an arrow head where a bar goes on. Blue is "
    "what a verdict tells. A band, where there is one, is what counts as equal."
)
_CURVES = (
    "Learning curves: what held-out documents show after so many real tokens. A thin line is a pre-training seed, a "
    "thick one their mean; the loss in an arm's own inputs does not compare with another format's."
)
_ALIGNED = (
    "The same from where each run left the unigram plateau: an arm that leaves it late is behind at any number of "
    "tokens, which can look like an effect of its format."
)
_LAYOUTS = (
    "Held-out MLM loss and recall gain in nats, means over pre-training seeds with their 95 % interval. Columns are "
    "arms as they were trained, rows the layouts that all are tested in: the same documents under the same mask. "
    "An effect of the format is claimed only where it holds in the pair layout too."
)
_LOSSES = (
    "Scores against loss: a point is a pre-training seed of a trained arm. What lowers the loss need not raise a score."
)
_SIZES = (
    "Real tokens of inputs and updates of the first epoch, of at most a thousand updates, of each arm's first seed. A "
    "line is the mean; the highest bar of each arm is equally high."
)
_COST = (
    "Hours are those of the training loops, each encoder counted once, also where other studies have it. FLOPs are of "
    "matrix products, forward and backward, at the sequences' own lengths; a dash where records do not state them."
)
_PRETRAINING = (
    "Means over pre-training seeds. Tokens are real ones, without padding; passes are those over the corpus. NSP "
    "accuracy is to be read against its majority class."
)
_DATA = (
    "What was prepared, before the first update, of each arm's first seed. 13-grams are of token ids; contexts are "
    "those of the development examples."
)


@dataclass(frozen=True)
class PageFigure:
    """Panels side by side, as many as fit, above their caption."""

    id: str
    svgs: Sequence[str]
    caption: str


@dataclass(frozen=True)
class PageTable:
    """A table of facts with its caption, and a title where a part has several; `kind` is a class of the style sheet."""

    facts: FactsTable
    caption: str = ""
    title: str = ""
    kind: str = ""


@dataclass(frozen=True)
class PagePart:
    """A part: its id, its title, what it shows; `commands`: those of the newest sweep stand in it."""

    id: str
    title: str
    figures: Sequence[PageFigure] = ()
    tables: Sequence[PageTable] = ()
    commands: bool = False


def forest(report: Report) -> PageFigure | None:
    """Return the forest plot, which stands beside the answer; None where there is none."""
    return next(_figures(("forest", forest_panels(report), _FOREST)), None)


def page_parts(report: Report) -> list[PagePart]:
    """Return the parts that have something to show. Of long tables the arms are columns: they are fewer."""
    layouts = report.layouts.on_its_side()
    parts = [
        PagePart("seeds", "Every seed", [*_figures(*_scores(report))]),
        PagePart("curves", "Learning curves", [*_figures(*_curves(report))]),
        PagePart("layouts", "Layouts as trained and as tested", tables=_tables(PageTable(layouts, _LAYOUTS))),
        PagePart("losses", "Scores against loss", [*_figures(("losses-figure", loss_panels_of(report), _LOSSES))]),
        PagePart("comparisons", "Comparisons", tables=_tables(*_comparisons(report))),
        PagePart(
            "pretraining",
            "What each arm read",
            [*_figures(("sizes", size_panels(report), _SIZES))],
            _tables(PageTable(report.pretraining.on_its_side(), _PRETRAINING)),
        ),
        PagePart("data", "Data", tables=_tables(PageTable(report.data_cards.on_its_side(), _DATA))),
        PagePart("cost", "Cost", tables=_tables(PageTable(report.costs, _COST))),
        PagePart("commands", "Commands", commands=report.manifest is not None),
        PagePart("provenance", "Provenance", tables=_tables(PageTable(report.provenance, kind="left"))),
    ]
    return [part for part in parts if part.figures or part.tables or part.commands]


def _scores(report: Report) -> Iterator[tuple[str, list[FigurePanel], str]]:
    yield "scores", score_panels(report, False), _SCORES + (_DIAMONDS if report.has_published else "")
    yield "probes", score_panels(report, True), _PROBES


def _curves(report: Report) -> Iterator[tuple[str, list[FigurePanel], str]]:
    yield "curves-figure", curve_panels(report, report.curves), _CURVES
    yield "aligned-figure", curve_panels(report, report.aligned_curves), _ALIGNED


def _comparisons(report: Report) -> Iterator[PageTable]:
    yield PageTable(planned_table(report.comparisons), report.planned_note, "Planned")
    yield PageTable(contrast_table(report.contrasts), CONTRAST_NOTE, "Contrasts")
    yield PageTable(exploratory_table(report.comparisons), report.exploratory_note, "Exploratory")


def _figures(*figures: tuple[str, list[FigurePanel], str]) -> Iterator[PageFigure]:
    for name, panels, caption in figures:
        if panels:
            yield PageFigure(name, [panel_svg(panel) for panel in panels], caption)


def _tables(*tables: PageTable) -> list[PageTable]:
    return [table for table in tables if table.facts.rows]
