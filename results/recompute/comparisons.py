"""Comparisons of arms: which records a published name stands for, and what docs/statistics.md makes of them."""

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

import numpy as np
from folder import Arm, Folder
from formulas import Estimate, Side, estimate, holm, multi_bootstrap, seeds_needed, verdict

TITLES = {
    "segment_pair": "SEGMENT-PAIR",
    "sentence_pair": "SENTENCE-PAIR",
    "full": "FULL-SENTENCES",
    "doc": "DOC-SENTENCES",
}


@cache
def labels(arm: Arm) -> set:
    """What a table may call an arm, without white space."""
    what = arm.condition
    if arm.kind == "random":
        titles = {"untrained encoder"}
    else:
        title = TITLES.get(what["format"], what["name"])
        if what["format"] in ("segment_pair", "sentence_pair"):
            title += " + NSP" if what["objective"] == "mlm_nsp" else ", no NSP"
        times = f" ×{what['copies']}" if (what["copies"] or 1) > 1 else ""
        titles = {title, f"{title}, {what['masking'] or ''}{times}"}
    titles |= {f"{title}, {what['updates']:,} updates" for title in titles if what["updates"]}
    unusual = [f"{name}={_typed(value)}" for name, value in sorted(arm.unusual.items())]
    told = [", ".join(chosen) for count in range(3) for chosen in combinations(unusual, count)]
    names = ["", *arm.names] if arm.kind == "trained" else [""]
    brackets = {", ".join(filter(None, (name, settings))) for name in names for settings in told}
    return {re.sub(r"\s", "", f"{title} [{text}]" if text else title) for title in titles for text in brackets}


def _typed(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def by_label(folder: Folder, label: str) -> Arm | None:
    """The one arm of a label; of several the one that is most like all others, None where none is that alone."""
    found = [arm for arm in folder.arms if label in labels(arm)]
    fewest = min((len(arm.unusual) for arm in found), default=0)
    found = [arm for arm in found if len(arm.unusual) == fewest]
    return found[0] if len(found) == 1 else None


def by_name(folder: Folder, name: str) -> tuple:
    """Arm and seeds (None: all) of a name of `report.comparisons`, as comparisons.csv prints it."""
    found = re.fullmatch(r"(.*?)(?:@(.*?))?(?: \(seeds ([\d ]+)\))?", name)
    base, settings, seeds = found[1], found[2], found[3]
    wanted = dict(pair.split("=", 1) for pair in settings.split(",")) if settings else {}
    arms = []
    for level in ("name", "format", "masking", "tokenizer"):
        arms = [arm for arm in folder.arms if arm.kind != "random" and arm.condition[level] == base]
        if level == "name" and base in ("random", "untrained"):
            arms = [arm for arm in folder.arms if arm.kind == "random"]
        if arms:
            break
    arms = [arm for arm in arms if all(str(arm.condition.get(k)) == v for k, v in wanted.items())]
    return (arms[0] if len(arms) == 1 else by_label(folder, re.sub(r"\s", "", name))), ([int(seed) for seed in seeds.split()] if seeds else None)


@dataclass
class Comparison:
    """A pair of arms on one measure; `sides` is empty where one of them has no result."""

    folder: Folder
    a: str
    b: str
    task: str
    metric: str
    margin: float | None = None  # of the equality test, where one is planned
    p_holm: float | None = None
    p_equal_holm: float | None = None

    @cached_property
    def arms(self) -> list:
        return [by_name(self.folder, name) for name in (self.a, self.b)]

    @cached_property
    def unpaired(self) -> bool:
        return any(seeds for _, seeds in self.arms)

    def both(self, task: str, metric: str) -> list:
        """Scores of both sides, paired ones of common seeds; empty where there are none."""
        (a, seeds_a), (b, seeds_b) = self.arms
        if a is None or b is None:
            return []
        if not self.unpaired:
            seeds_a = seeds_b = sorted(a.of(task).keys() & b.of(task).keys())
        chosen = [
            [s for s in arm.of(task) if seeds is None or s in seeds] for arm, seeds in ((a, seeds_a), (b, seeds_b))
        ]
        return [arm.side(task, metric, seeds) for arm, seeds in zip((a, b), chosen, strict=True)] if all(chosen) else []

    @cached_property
    def sides(self) -> list:
        both = self.both(self.task, self.metric)
        return both if self.unpaired or not both else [both[0].minus(both[1])]

    @cached_property
    def estimate(self) -> Estimate | None:
        return estimate(self.sides) if self.sides else None

    @property
    def num_seeds(self) -> int:
        return self.estimate.num_seeds if self.sides else 0

    @cached_property
    def tested(self) -> bool:
        return self.num_seeds > 1

    @cached_property
    def p(self) -> float | None:
        return self.estimate.p() if self.tested else None

    @cached_property
    def p_equal(self) -> float | None:
        return self.estimate.p_equal(self.margin) if self.tested and self.margin is not None else None

    @cached_property
    def correlation(self) -> float | None:
        """Between the arms, over seeds."""
        if self.unpaired or self.num_seeds < 2:
            return None
        a, b = self.both(self.task, self.metric)
        spread = np.std(a.theta) * np.std(b.theta)
        return float(np.corrcoef(a.theta, b.theta)[0, 1]) if spread > 0 else None

    @cached_property
    def bootstrap(self) -> tuple | None:
        """None for a metric that is no mean of example scores."""
        (a, _), _ = self.arms
        a_mean = self.sides and self.metric in self.folder.items(next(iter(a.of(self.task).values()))[0])
        return multi_bootstrap(self.sides) if self.tested and a_mean else None

    def needed(self, effect: float, tests: int) -> tuple:
        return seeds_needed(self.estimate, effect, 0.05 / tests)

    def verdict(self) -> str:
        return verdict(self.estimate.value, self.p_holm, self.p_equal_holm) if self.tested else "not told"

    def difference(self, task: str, metric: str) -> float | None:
        both = self.both(task, metric)
        return float(both[0].theta.mean() - both[1].theta.mean()) if both else None


@dataclass
class Contrast:
    """A weighted sum of arms, as contrasts.csv prints it: "2 × a − b − c"; `side` is None where an arm lacks."""

    folder: Folder
    what: str
    shown: str
    task: str
    metric: str
    p_holm: float | None = None

    @cached_property
    def side(self) -> Side | None:
        text = self.shown if self.shown.startswith("−") else f"+ {self.shown}"
        terms = re.findall(r"([+−]) ?(?:([\d.]+) × )?(\S+)", text)
        arms = [by_name(self.folder, name)[0] for _, _, name in terms]
        if None in arms:
            return None
        seeds = sorted(set.intersection(*(set(arm.of(self.task)) for arm in arms)))
        if not seeds:
            return None
        weights = [float(weight or 1) * (1 if sign == "+" else -1) for sign, weight, _ in terms]
        sides = [arm.side(self.task, self.metric, seeds) for arm in arms]
        theta = sum(weight * one.theta for weight, one in zip(weights, sides, strict=True))
        return Side(theta, sum(weight * one.u for weight, one in zip(weights, sides, strict=True)), sides[0].w)

    @cached_property
    def estimate(self) -> Estimate | None:
        return estimate([self.side]) if self.side else None

    @property
    def num_seeds(self) -> int:
        return len(self.side.theta) if self.side else 0

    @property
    def p(self) -> float | None:
        return self.estimate.p() if self.num_seeds > 1 else None

    def verdict(self) -> str:
        if self.p_holm is None or self.p_holm >= 0.05:
            return "not told"
        return "above 0" if self.estimate.value > 0 else "below 0"


def correct_contrasts(contrasts: list, family: list) -> None:
    """Holm's correction of the contrasts as if they were members of the family."""
    planned = [c.p for c in family] + [c.p_equal for c in family if c.margin is not None]
    corrected = holm([*(one.p for one in contrasts), *planned])
    for one, value in zip(contrasts, corrected, strict=False):
        one.p_holm = value


def correct(family: list) -> int:
    """Holm's correction over the whole family, differences and equality tests together; the number of tests."""
    tests = [(c, "p", "p_holm") for c in family]
    tests += [(c, "p_equal", "p_equal_holm") for c in family if c.margin is not None]
    for (comparison, _, name), value in zip(tests, holm([getattr(c, p) for c, p, _ in tests]), strict=True):
        setattr(comparison, name, value)
    return len(tests)
