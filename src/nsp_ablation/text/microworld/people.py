"""People and their facts, and the sentences that state, ask and use them."""

from collections.abc import Sequence
from dataclasses import dataclass

from nsp_ablation.text.microworld.world import ANTONYMS, FACT_SLOTS, NAMES, SPECIES, WOMEN
from nsp_ablation.text.microworld.world_draws import Draws

# Two wordings of each kind of fact, each with the person's name and with a pronoun.
STATEMENTS = {
    "home": (
        ("{P} lived in {home}.", "{He} lived in {home}."),
        ("The home of {P} was in {home}.", "{His} home was in {home}."),
    ),
    "job": (("{P} was a {job}.", "{He} was a {job}."), ("{P} worked as a {job}.", "{He} worked as a {job}.")),
    "pet": (
        ("{P} had a {colour} {animal}.", "{He} had a {colour} {animal}."),
        ("The {animal} of {P} was {colour}.", "{His} {animal} was {colour}."),
    ),
    "food": (("{P} liked {food}.", "{He} liked {food}."), ("{P} ate {food} each day.", "{He} ate {food} each day.")),
    "size": (("{P} was {size}.", "{He} was {size}."), ("{P} looked {size}.", "{He} looked {size}.")),
}
USES = {
    "home": ("{P} went home to {home}.", "{P} came back to {home}."),
    "job": ("{P} went to work as a {job}.", "The {job} met {other}."),
    "pet": ("{P} fed the {colour} {animal}.", "The {animal} ran to {P}, and {P} fed the {species}."),
    "food": ("{P} made some {food} for {other}.", "{P} bought more {food}."),
    "size": ("{P} was still {size}.", "The {size} one was {P}."),
}
QUESTIONS = {
    "home": "Where did {P} live?",
    "job": "What was the job of {P}?",
    "animal": "What pet did {P} have?",
    "colour": "What colour was the pet of {P}?",
    "food": "What food did {P} like?",
}
OPEN_QUESTION = "What is told of {P}?"
CLOSED_QUESTIONS = {
    "home": "Do you live in {home}, {P}?",
    "job": "Are you a {job}, {P}?",
    "pet": "Do you have a {colour} {animal}, {P}?",
    "food": "Do you like {food}, {P}?",
    "size": "Are you {size}, {P}?",
}
REPLIES = {
    "home": "I live in {home}.",
    "job": "I am a {job}.",
    "pet": "I have a {colour} {animal}.",
    "food": "I like {food}.",
    "size": "I am {size}.",
}


@dataclass(frozen=True)
class Fact:
    """What is told of somebody: its kind, and the word in each of its slots."""

    kind: str
    words: dict[str, str]


@dataclass(frozen=True)
class Person:
    """Somebody with facts, in the order in which they are told."""

    name: str
    facts: list[Fact]


class Dealer:
    """Deals the words of each slot in random order and without repetition, so that a passage tells each value once."""

    def __init__(self, values: dict[str, tuple[str, ...]], draws: Draws) -> None:
        self._values, self._draws = values, draws
        self._rest: dict[str, list[str]] = {}

    def word(self, slot: str) -> str:
        """Return a word that this dealer has not dealt yet."""
        if slot not in self._rest:
            self._rest[slot] = self._draws.sample(self._values[slot], len(self._values[slot]))
        return self._rest[slot].pop()

    def fact(self, kind: str) -> Fact:
        """Return a fact of new words."""
        return Fact(kind, {slot: self.word(slot) for slot in FACT_SLOTS[kind]})


def fill(template: str, person: str, fact: Fact | None = None, other: str = "") -> str:
    """Return a template's sentence about `person` (a name)."""
    words = fact.words if fact else {}
    he, his = ("She", "Her") if person in WOMEN else ("He", "His")
    return template.format(P=person, He=he, His=his, other=other, species=SPECIES.get(words.get("animal", "")), **words)


def tell(people: Sequence[Person], draws: Draws) -> list[str]:
    """Return one sentence a fact, person by person; half of a person's later facts are told with he or she."""
    sentences = []
    for person in people:
        for place, fact in enumerate(person.facts):
            named, pronoun = draws.choice(STATEMENTS[fact.kind])
            sentences.append(fill(pronoun if place and draws.chance(0.5) else named, person.name, fact))
    return sentences


def two_people(kinds: Sequence[str], other_kinds: Sequence[str], dealer: Dealer, draws: Draws) -> tuple[Person, Person]:
    """Return somebody with facts of `kinds` and somebody else with facts of `other_kinds`, all values different."""
    first, second = (
        Person(name, [dealer.fact(kind) for kind in draws.sample(which, len(which))])
        for name, which in zip(draws.sample(NAMES, 2), (kinds, other_kinds), strict=True)
    )
    return first, second


def statement(fact: Fact, name: str, draws: Draws) -> str:
    """Return a sentence that states a fact in either wording, with the person's name."""
    named, _ = draws.choice(STATEMENTS[fact.kind])
    return fill(named, name, fact)


def altered(fact: Fact, dealer: Dealer, draws: Draws) -> Fact:
    """Return a fact that contradicts `fact`: another word in one slot, for a size its antonym."""
    slot = draws.choice(FACT_SLOTS[fact.kind])
    word = ANTONYMS[fact.words[slot]] if slot == "size" else dealer.word(slot)
    return Fact(fact.kind, {**fact.words, slot: word})
