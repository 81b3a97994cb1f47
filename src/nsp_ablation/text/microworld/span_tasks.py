"""SQuAD-like tasks (v1.1 and v2.0) over micro-world passages: two people with two or three facts each, one is asked of.

A reader that knows the *type* of word a question wants (where: a town), but cannot tell whose it is, reaches the
type-only ceiling (`ceiling.py`): .75 in v1.1 and .79 in v2.0, since the other person has a fact of the asked kind in
half of the answerable questions, and in one sixth of the unanswerable ones. Above it lies reading about the right
person; below it, types not learned. Answers are single words, so F1 and exact match nearly agree.
"""

import re
from dataclasses import dataclass
from typing import Any

from nsp_ablation.text.microworld.people import QUESTIONS, Dealer, Person, fill, tell, two_people
from nsp_ablation.text.microworld.world import FACT_KINDS, FACT_SLOTS, Half, values_of
from nsp_ablation.text.microworld.world_draws import Draws, balanced

_ASKED_KINDS = tuple(kind for kind in FACT_KINDS if any(slot in QUESTIONS for slot in FACT_SLOTS[kind]))


@dataclass(frozen=True)
class _Case:
    """What an example must be: `is_shared` says that the other person has a fact of the asked kind."""

    is_impossible: bool
    is_shared: bool


_ANSWERABLE = [_Case(False, False), _Case(False, True)]
_UNANSWERABLE = [_Case(True, False)] * 5 + [_Case(True, True)]
# answerable and unanswerable in turn, so that any number of questions has equally many (to within one)
_HALF_UNANSWERABLE = [case for pair in zip(_ANSWERABLE * 3, _UNANSWERABLE, strict=True) for case in pair]


def squad(version: str, half: Half, num_questions: int, seed: int) -> dict[str, Any]:
    """Return a SQuAD data set, as its JSON holds it; `version` is "1.1" or "v2.0" (as the files spell them)."""
    has_impossible = version == "v2.0"
    name = f"squad-{version}-{half}"
    cases = _HALF_UNANSWERABLE if has_impossible else _ANSWERABLE
    paragraphs = [
        _paragraph(case, half, Draws(seed, name, number), f"{name}-{number}", has_impossible)
        for number, case in enumerate(balanced(cases, num_questions, seed, name))
    ]
    return {"version": version, "data": [{"title": "microworld", "paragraphs": paragraphs}]}


def _paragraph(case: _Case, half: Half, draws: Draws, identifier: str, has_impossible: bool) -> dict[str, Any]:
    asked = draws.choice(_ASKED_KINDS)
    person, other = _cast(asked, case, half, draws)
    slot = draws.choice(FACT_SLOTS[asked])
    context = " ".join(tell(draws.sample((person, other), 2), draws))
    question: dict[str, Any] = {"id": identifier, "question": fill(QUESTIONS[slot], person.name), "answers": []}
    if has_impossible:
        question["is_impossible"] = case.is_impossible
    if not case.is_impossible:
        (word,) = (fact.words[slot] for fact in person.facts if fact.kind == asked)
        found = re.search(rf"\b{word}\b", context)
        assert found, (word, context)
        question["answers"] = [{"text": word, "answer_start": found.start()}]
    return {"context": context, "qas": [question]}


def _cast(asked: str, case: _Case, half: Half, draws: Draws) -> tuple[Person, Person]:
    rest = tuple(kind for kind in FACT_KINDS if kind != asked)
    kinds = [draws.sample(rest, 2 + draws.integer(2)) for _ in range(2)]
    if not case.is_impossible:
        kinds[0][0] = asked
    if case.is_shared:
        kinds[1][0] = asked
    return two_people(kinds[0], kinds[1], Dealer(values_of(half), draws), draws)
