"""A RACE-like task: a passage on two people, "What is told of X?", and four statements of which one is told.

Wrong options state kinds of facts that the passage tells of nobody, except that in half of the questions one of them
gives X what the passage tells of the other person. A reader that only sees which kinds the passage tells reaches the
type-only ceiling of .75. The rows are JSON lines with the fields of RACE's files.
"""

import json

from nsp_ablation.text.microworld.people import OPEN_QUESTION, Dealer, Person, fill, statement, tell, two_people
from nsp_ablation.text.microworld.world import FACT_KINDS, Half, values_of
from nsp_ablation.text.microworld.world_draws import Draws, balanced

LETTERS = "ABCD"


def race(half: Half, num_questions: int, seed: int) -> str:
    """Return the JSON-lines text of one file, one question a passage; every letter is right equally often."""
    name = f"race-{half}"
    cases = [(letter, has_swap) for letter in LETTERS for has_swap in (False, True)]
    rows = []
    for number, (letter, has_swap) in enumerate(balanced(cases, num_questions, seed, name)):
        draws = Draws(seed, name, number)
        article, question, told, wrong = _question(has_swap, half, draws)
        place = LETTERS.index(letter)
        options = [*wrong[:place], told, *wrong[place:]]
        row = {"article": article, "questions": [question], "options": [options], "answers": [letter]}
        rows.append(json.dumps({**row, "id": f"{name}-{number}.txt"}) + "\n")
    return "".join(rows)


def _question(has_swap: bool, half: Half, draws: Draws) -> tuple[str, str, str, list[str]]:
    """Return the passage, the question, the told statement, and the three wrong ones in random order."""
    dealer = Dealer(values_of(half), draws)
    person, other, untold = _cast(has_swap, dealer, draws)
    passage = " ".join(tell(draws.sample((person, other), 2), draws))
    wrong = [dealer.fact(kind) for kind in untold]
    if has_swap:
        wrong.append(
            draws.choice([fact for fact in other.facts if fact.kind not in {own.kind for own in person.facts}])
        )
    told = draws.choice(person.facts)
    wrong_statements = [statement(fact, person.name, draws) for fact in draws.sample(wrong, 3)]
    return passage, fill(OPEN_QUESTION, person.name), statement(told, person.name, draws), wrong_statements


def _cast(has_swap: bool, dealer: Dealer, draws: Draws) -> tuple[Person, Person, list[str]]:
    """Return X, the other person, and the kinds told of nobody: two with a swapped option, else three."""
    first, second, third, *untold = draws.sample(FACT_KINDS, len(FACT_KINDS))
    if has_swap:
        return *two_people((first, third), (second, third), dealer, draws), untold
    return *two_people((first, second), (first, second), dealer, draws), [third, *untold]
