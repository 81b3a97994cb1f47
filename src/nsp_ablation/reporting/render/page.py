"""`report.html`: one page that holds everything it shows, and asks the network for nothing."""

from pathlib import Path

from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.facts import failures, pretraining_table, provenance_table, warnings
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.render.caption import caption
from nsp_ablation.reporting.render.rendering import lines_of
from nsp_ablation.reporting.render.tables import reading_table
from nsp_ablation.reporting.render.texts import comparison_texts

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_FIGURE_CAPTIONS = {
    "scores": "Every task: the dot is the median over pre-training seeds, ticks beneath it are the seeds, the bar is "
    "the 95 % interval of the mean, a dashed line is chance; hollow dots are static masking or the untrained encoder.",
    "recall": "In-context recall, without fine-tuning: accuracy at a masked word that stands elsewhere in the input, "
    "and what its other copies are worth in nats.",
}
_DIAMONDS = " A diamond is the published number."


def html_page(study: Study, figures: dict[str, str], comparisons: list[Comparison]) -> str:
    """Return the page. `figures` are SVG texts by name, `comparisons` those that were planned."""
    from jinja2 import Environment, StrictUndefined

    table = reading_table(study)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        title=study.title,
        name=study.info.name,
        num_records=sum(record.status == "done" for record in study.records.values()),
        columns=table.columns,
        sections=[
            (section.title, [lines_of(row, table.columns) for row in section.rows]) for section in table.sections
        ],
        caption=caption(study),
        warnings=warnings(study),
        failures=failures(study),
        figures=[(name, inline_svg(name, svg), _FIGURE_CAPTIONS[name]) for name, svg in figures.items()],
        diamonds=_DIAMONDS if study.published else "",
        pretraining=pretraining_table(study),
        comparisons=[comparison_texts(comparison) for comparison in comparisons],
        provenance=provenance_table(study),
        manifest=study.manifest,
    )


def inline_svg(name: str, svg: str) -> str:
    """Return an SVG file's text as an element within HTML: no prologue, and ids that no other figure has."""
    element = svg[svg.index("<svg") :].replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")
    return element.replace('href="#', f'href="#{name}-')
