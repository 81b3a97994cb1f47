"""Simulated studies: what the planned family tells of arms whose difference is known, for `interval_coverage.py`.

The plan: arms b, c and d against a, on items right or wrong; three differences, and the equality of d and a. The number
of seeds is what `seeds_needed` gives for the smallest important effect.
"""

import numpy as np
from scipy.special import ndtri
from simulated_scores import BernoulliItems, layouts

from nsp_ablation.reporting.analysis.crossed_variance import Estimate, estimate, means_of_sums
from nsp_ablation.reporting.analysis.intervals import ALPHA
from nsp_ablation.reporting.analysis.planned_family import A_ABOVE, B_ABOVE, corrected_together, num_tests, verdict
from nsp_ablation.reporting.analysis.seeds_needed import seeds_needed

EFFECT = 0.04  # the smallest important one
MARGINS = (None, None, EFFECT)
ITEMS, LAYOUT = BernoulliItems(), layouts(90)[1]
_PILOT_SEEDS, _PILOTS = 10, 40


def study_figures(num_studies: int) -> dict[str, float]:
    """Return how often studies tell the effect of b, and anything where there is no effect; with the seeds needed."""
    num_seeds = planned_seeds()
    found = {"seeds": float(num_seeds), "studies": float(num_studies), "tests": float(num_tests(MARGINS))}
    for name, effect, seed in (("with", EFFECT, 11), ("without", 0.0, 12)):
        words = told(simulated(effect, num_seeds, num_studies, seed))
        above = [[A_ABOVE in one or B_ABOVE in one for one in study] for study in words]
        found[f"{name}: b above a"] = float(np.mean([A_ABOVE in study[0] for study in words]))
        found[f"{name}: a above b"] = float(np.mean([B_ABOVE in study[0] for study in words]))
        found[f"{name}: c or d above or below a"] = float(np.mean([any(study[1:]) for study in above]))
        found[f"{name}: anything above"] = float(np.mean([any(study) for study in above]))
        found[f"{name}: d equal"] = float(np.mean([study[2].startswith("equal within") for study in words]))
    return found


def planned_seeds() -> int:
    """Return the seeds needed by the mean variances of many pilots, at the level of the first of all tests."""
    pilots = [one for group in simulated(0.0, _PILOT_SEEDS, _PILOTS, 10) for one in group]
    parts = [float(np.mean([getattr(one, name) for one in pilots])) for name in _PARTS]
    whole = pilots[0]
    mean = Estimate(whole.value, whole.error, whole.dof, *map(np.asarray, parts), whole.num_seeds, whole.cluster_dof)
    needed = seeds_needed(mean, EFFECT, ALPHA / num_tests(MARGINS))
    assert needed is not None
    assert needed.number is not None
    return needed.number


_PARTS = ("seed_part", "cluster_part", "residual_part")


def simulated(effect: float, num_seeds: int, num_studies: int, seed: int) -> list[list[Estimate]]:
    """Return of each study the differences of b, c and d from a, of which that of b is `effect`."""
    spread = ITEMS.level / float(ndtri(ITEMS.mean()))
    shift = float(ndtri(ITEMS.mean() + effect)) * spread - ITEMS.level
    found, sizes = [], LAYOUT.sizes
    shifts = (0.0, shift, 0.0, 0.0)
    for arms in ITEMS.draw(LAYOUT, num_seeds, num_studies, np.random.default_rng(seed), shifts):
        a, *others = [means_of_sums(sums, sizes) for sums in arms]
        for study in range(len(arms[0])):
            one = [type(arm)(arm.scores[study], arm.without[study]) for arm in (a, *others)]
            found.append([estimate(other.paired_with(one[0]), sizes) for other in one[1:]])
    return found


def told(studies: list[list[Estimate]]) -> list[list[str]]:
    """Return the verdicts of each study, in the order of its comparisons."""
    words = []
    for study in studies:
        members = corrected_together(study, MARGINS)
        pairs = zip(study, members, strict=True)
        words.append([verdict(float(one.value), *_p_values(member), "4") for one, member in pairs])
    return words


def _p_values(member) -> tuple[float | None, float | None]:
    return float(member.p_holm), None if np.isnan(member.p_equal_holm) else float(member.p_equal_holm)


def study_notes(found: dict[str, float]) -> list[str]:
    """Return the figures in sentences."""
    share = {name: f"{100 * value:.1f} %" for name, value in found.items()}
    return [
        f"{found['studies']:.0f} simulated studies of {found['seeds']:.0f} seeds (`seeds_needed`, power .8 at "
        f".05 / {found['tests']:.0f}), 90 clusters of 30 items, three differences and one equality planned. b lies "
        f"{100 * EFFECT:g} points above a: “b above a” in {share['with: b above a']}, the wrong way in "
        f"{share['with: a above b']}, of c and d anything above or below in {share['with: c or d above or below a']}.",
        f"As many without any effect: anything “above” in {share['without: anything above']}; d and a “equal within 4” "
        f"in {share['without: d equal']}.",
    ]
