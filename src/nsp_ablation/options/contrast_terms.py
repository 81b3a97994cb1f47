"""The weighted sums of arms that a plan asks for, as they are typed: `2*segment_pair_mlm - segment_pair_nsp - doc`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MIN_ARMS = 3  # of two arms it is a comparison
_TERM = re.compile(r"([+−-])?\s*(?:(\d+(?:\.\d+)?)\s*\*\s*)?([^\s*+−-][^\s*]*)(?:\s+|$)")  # a name may hold a sign
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Term:
    """An arm of a contrast, by its name, and its weight."""

    weight: float
    name: str


def contrast_terms(text: str) -> list[Term]:
    """Return the terms of a contrast.

    Raises ValueError, whose message is the reason and the remedy, where the text has none, or is no contrast.
    """
    terms: list[Term] = []
    rest = text.strip()
    while rest or not terms:
        found = _TERM.match(rest)
        if found is None or (terms and not found[1]):
            raise ValueError(f"'{rest}' is no arm with its weight; type it like 2*segment_pair_mlm - doc - full")
        terms.append(Term((-1 if found[1] in ("-", "−") else 1) * float(found[2] or 1), found[3]))
        rest = rest[found.end() :]
    names = [term.name for term in terms]
    if len(set(names)) < len(names):
        raise ValueError(f"names {max(names, key=names.count)} twice; give each arm one weight")
    if len(terms) < MIN_ARMS:
        raise ValueError(f"has {len(terms)} arm{'s' * (len(terms) > 1)}; report.comparisons is for two, this for more")
    if abs(total := sum(term.weight for term in terms)) > _ROUNDING:
        raise ValueError(f"has weights that are together {total:g}, not 0, so it is no difference; change the weights")
    return terms


def shown_terms(terms: Sequence[Term]) -> str:
    """Return terms as one reads them: "2 × a − b − c"."""
    words = []
    for number, term in enumerate(terms):
        sign = "−" if term.weight < 0 else "+"
        weight = "" if abs(term.weight) == 1 else f"{abs(term.weight):g} × "
        lead = ("" if sign == "+" else sign) if number == 0 else f" {sign} "
        words.append(f"{lead}{weight}{term.name}")
    return "".join(words)
