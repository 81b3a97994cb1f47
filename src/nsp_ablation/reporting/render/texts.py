"""How a comparison is written for readers."""

from nsp_ablation.reporting.analysis.comparisons import Comparison


def comparison_texts(comparison: Comparison) -> dict[str, str]:
    """Return a comparison as it is read: signed difference, interval, p with Holm's correction."""
    column, result = comparison.column, comparison.result
    low, high = (result.low, result.high) if result else (None, None)
    return {
        "pair": f"{comparison.a} − {comparison.b}",
        "task": column.title,
        "difference": _signed(column.scaled(result.difference)) if result else "–",
        "interval": "–"
        if low is None or high is None
        else f"[{_signed(column.scaled(low))}, {_signed(column.scaled(high))}]",
        "p": p_text(result.p if result else None),
        "p_holm": p_text(comparison.p_holm),
        "seeds": str(result.num_seeds if result else 0),
    }


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def p_text(p: float | None) -> str:
    """Return a p-value with three digits, a dash where there is none."""
    if p is None:
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
