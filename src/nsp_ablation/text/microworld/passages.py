"""Passages of the tasks: what two people's facts are, told as the first paragraph of a document tells them."""

from collections.abc import Sequence

from nsp_ablation.text.microworld.people import Dealer, Person
from nsp_ablation.text.microworld.world import NAMES
from nsp_ablation.text.microworld.world_draws import Draws


def two_people(kinds: Sequence[str], other_kinds: Sequence[str], dealer: Dealer, draws: Draws) -> tuple[Person, Person]:
    """Return somebody with facts of `kinds` and somebody else with facts of `other_kinds`, all values different."""
    name, other_name = draws.sample(NAMES, 2)
    people = [
        Person(who, [dealer.fact(kind) for kind in draws.sample(tuple(which), len(which))])
        for who, which in ((name, kinds), (other_name, other_kinds))
    ]
    return people[0], people[1]
