"""What the analysis tells between an arm and itself: every split of the A/A study's seeds into two halves.

The study has one planned split, whose verdict is published as it falls. All splits of its ten seeds, 126, say how often
the analysis would have told a difference where there is none. They share their seeds, so the share of them that does
varies more than 126 independent studies would.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import yaml
from table import RESULTS, ROOT, write_table

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparisons import primary_column
from nsp_ablation.reporting.analysis.crossed_variance import unpaired_difference
from nsp_ablation.reporting.analysis.intervals import ALPHA, p_difference
from nsp_ablation.reporting.analysis.planned_family import A_ABOVE, B_ABOVE, corrected_together, verdict
from nsp_ablation.reporting.analysis.score_matrix import ScoreMatrix
from nsp_ablation.reporting.analysis.study import Study, load_study

PLAN = ROOT / "experiments" / "aa.yaml"


@dataclass(frozen=True)
class Splits:
    """What all splits of an arm's seeds say of one metric: how many there are, how many have p < .05 uncorrected, and
    how many verdicts of the planned family (difference and equality, corrected together) say "above" and "equal"."""

    column: Column
    is_primary: bool
    number: int
    num_different: int
    num_above: int
    num_equal: int


def halves(seeds: Sequence[int | None]) -> Iterator[tuple[list[int | None], list[int | None]]]:
    """Yield every split of an even number of seeds into two halves, each once: the first seed is on the first side."""
    first, *others = seeds
    for chosen in combinations(others, len(seeds) // 2 - 1):
        yield [first, *chosen], [seed for seed in others if seed not in chosen]


def splits_of(matrix: ScoreMatrix, column: Column, margin: float | None, is_primary: bool = False) -> Splits:
    """Return what the splits of an arm's seeds say; `margin` in the unit of the metric's values."""
    number = num_different = num_above = num_equal = 0
    for own in halves(matrix.seeds):
        a, b = (matrix.of_seeds(side) for side in own)
        found = unpaired_difference(a.scores, b.scores, a.sizes)
        (member,) = corrected_together([found], [margin])
        said = verdict(float(found.value), float(member.p_holm), float(member.p_equal_holm), "the margin")
        number += 1
        num_different += bool(p_difference(found) < ALPHA)
        num_above += A_ABOVE in said or B_ABOVE in said
        num_equal += said.startswith("equal")
    return Splits(column, is_primary, number, num_different, num_above, num_equal)


def all_splits(study: Study) -> list[Splits]:
    """Return the splits in every metric of the study's one trained arm, the primary measure first."""
    primary = primary_column(study)
    found = []
    for column in study.columns:
        pools = [
            pool for (arm, task), pool in study.scores.pools.items() if arm.kind == "trained" and task == column.task
        ]
        matrix = study.matrices.of(pools[0], column.metric) if len(pools) == 1 and pools[0].records else None
        if matrix is None or not matrix.scores.scores.std():
            continue
        margin = column.unscaled(study.options.margin) if column == primary else None
        found.append(splits_of(matrix, column, margin, column == primary))
    return sorted(found, key=lambda one: not one.is_primary)


def planned_options(plan: Path) -> ReportOptions:
    """Return the experiment's plan, over all records of its folder."""
    report = yaml.safe_load(plan.read_text())["report"]
    comparisons = [ComparisonOptions(**one) for one in report.pop("comparisons")]
    return ReportOptions(**report, comparisons=comparisons, all=True)


def _row(one: Splits) -> list[str]:
    verdicts = [f"{one.num_above} ({one.num_above / one.number:.1%})", str(one.num_equal)] if one.is_primary else []
    different = f"{one.num_different} ({one.num_different / one.number:.1%})"
    return [one.column.task, one.column.metric, str(one.number), different, *(verdicts or ["", ""])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / "aa" / "micro", help="the study's folder")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    study = load_study(arguments.folder, "aa", planned_options(PLAN))
    found = all_splits(study)
    others = [one.num_different / one.number for one in found if not one.is_primary]
    seeds = sorted({one.pretraining_seed for one in study.records.values() if one.pretraining_seed is not None})
    write_table(
        "aa_splits",
        "FULL-SENTENCES against itself: all splits of its seeds",
        ["task", "metric", "splits", "p < .05", 'verdict "above"', 'verdict "equal"'],
        [_row(one) for one in found],
        [
            f"Seeds {', '.join(map(str, seeds))}, half against half. The verdict is that of the plan: difference and "
            f"equality within {study.options.margin:g}, corrected together; the planned split stands in the report.",
            *(
                [f"Over the other {len(others)} metrics {sum(others) / len(others):.1%} of p are below .05."]
                if others
                else []
            ),
            "Splits share their seeds: where the ten scores fall into two groups many splits are alike, and where they "
            "do not hardly any says anything.",
        ],
        details={"splits": {f"{one.column.task}.{one.column.metric}": one.num_different for one in found}},
        directory=arguments.output,
    )


if __name__ == "__main__":
    main()
