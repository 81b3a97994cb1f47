"""The report's numbers as text: lines of the reading table, and comparisons."""

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.tables import Row, Score


def score_text(score: Score, column: Column) -> str:
    """Return the median, "failed" where every run failed, a dash where there was none; † beside some failures."""
    if score.summary is None:
        return "failed" if score.num_failed else "–"
    return column.text(score.summary.median) + ("†" if score.num_failed else "")


def interval_text(score: Score, column: Column) -> str:
    """Return the interval of the mean, empty where there is none."""
    if score.summary is None or score.summary.low is None or score.summary.high is None:
        return ""
    between = " to " if score.summary.low < 0 else "–"
    return f"{column.text(score.summary.low)}{between}{column.text(score.summary.high)}"


def lines_of(row: Row, columns: list[Column]) -> list[tuple[str, str, list[str]]]:
    """Return a row's lines as (kind, label, texts): the scores, intervals and published numbers where there are any."""
    pairs = list(zip(row.scores, columns, strict=True))
    lines = [("score", row.label, [score_text(score, column) for score, column in pairs])]
    intervals = [interval_text(score, column) for score, column in pairs]
    if any(intervals):
        lines.append(("interval", "", intervals))
    published = ["" if score.published is None else column.text(score.published) for score, column in pairs]
    if any(published):
        lines.append(("published", "published", published))
    return lines


def comparison_texts(comparison: Comparison) -> dict[str, str]:
    """Return a comparison as it is read: signed difference, interval, p with Holm's correction."""
    column, result = comparison.column, comparison.result
    low, high = (result.low, result.high) if result else (None, None)
    known = low is not None and high is not None
    return {
        "pair": f"{comparison.a} − {comparison.b}",
        "task": column.title,
        "difference": _signed(column, result.difference if result else None),
        "interval": f"[{_signed(column, low)}, {_signed(column, high)}]" if known else "–",
        "p": _p_text(result.p if result else None),
        "p_holm": _p_text(comparison.p_holm),
        "seeds": str(result.num_seeds if result else 0),
    }


def _signed(column: Column, value: float | None) -> str:
    return "–" if value is None else f"{column.scaled(value):+.2f}".replace("-", "−")


def _p_text(p: float | None) -> str:
    """Return a p-value with three digits, a dash where there is none."""
    if p is None:
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
