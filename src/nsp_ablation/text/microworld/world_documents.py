"""The micro-world's documents: facts told early and needed later, opinions of one polarity, a short dialogue.

A document has two paragraphs. The first asks up to two questions and tells two or three facts of each of two or three
people. The second returns to two to four of those facts, judges up to two things, and may hold a dialogue whose yes
or no the facts decide. Seven in ten value words stand twice in their document, so that a masked one can be looked up;
a reader that copies any word of the right kind from the document gets .69 of those.
"""

import json
from pathlib import Path

from nsp_ablation.base.artifact import write_text
from nsp_ablation.text.microworld.opinions import mood, opinion
from nsp_ablation.text.microworld.people import (
    CLOSED_QUESTIONS,
    OPEN_QUESTION,
    QUESTIONS,
    REPLIES,
    STATEMENTS,
    USES,
    Dealer,
    Fact,
    Person,
    altered,
    fill,
    tell,
)
from nsp_ablation.text.microworld.world import ADJECTIVES, FACT_KINDS, NAMES, values_of
from nsp_ablation.text.microworld.world_draws import Draws


def write_documents(path: Path, num_documents: int, seed: int) -> None:
    """Write `num_documents` documents as JSON lines with `id` and `text`; a pure function of its arguments."""
    rows = []
    for number in range(num_documents):
        text = "\n\n".join(" ".join(sentences) for sentences in document(seed, number))
        rows.append(json.dumps({"id": f"microworld/{seed}/{number}", "text": text}) + "\n")
    write_text(path, "".join(rows))


def document(seed: int, number: int) -> list[list[str]]:
    """Return the sentences of a document's paragraphs; document `number` does not depend on how many are written."""
    draws = Draws(seed, "documents", number)
    dealer = Dealer(values_of("all"), draws)
    names = draws.sample(NAMES, 3 if draws.chance(0.3) else 2)
    people = [
        Person(name, [dealer.fact(kind) for kind in draws.sample(FACT_KINDS, 2 + draws.integer(2))]) for name in names
    ]
    return [_questions(people, draws) + tell(people, draws), _later(people, dealer, draws)]


def _questions(people: list[Person], draws: Draws) -> list[str]:
    questions = []
    for person in draws.sample(people, draws.integer(3)):
        slots = [slot for fact in person.facts for slot in fact.words if slot in QUESTIONS]
        asks_all = not slots or draws.chance(0.2)
        questions.append(fill(OPEN_QUESTION if asks_all else QUESTIONS[draws.choice(slots)], person.name))
    return questions


def _later(people: list[Person], dealer: Dealer, draws: Draws) -> list[str]:
    """Return the second paragraph: uses, judgements and perhaps a dialogue, in random order."""
    polarity = draws.integer(2)
    told = [(person, fact) for person in people for fact in person.facts]
    parts = [[_use(person, fact, people, draws)] for person, fact in draws.sample(told, 2 + draws.integer(3))]
    for _ in range(2):
        name = draws.choice(people).name
        part = [opinion(name, ADJECTIVES[polarity], draws)] if draws.chance(0.8) else []
        parts.append(part + ([mood(name, polarity, draws)] if draws.chance(0.3) else []))
    if draws.chance(0.5):
        parts.append(_dialogue(*draws.choice(told), people, dealer, draws))
    return [sentence for part in draws.sample(parts, len(parts)) for sentence in part]


def _use(person: Person, fact: Fact, people: list[Person], draws: Draws) -> str:
    other = draws.choice([someone.name for someone in people if someone is not person])
    restatements = tuple(named for named, _ in STATEMENTS[fact.kind])
    return fill(draws.choice(USES[fact.kind] + restatements), person.name, fact, other)


def _dialogue(person: Person, fact: Fact, people: list[Person], dealer: Dealer, draws: Draws) -> list[str]:
    """Return a meeting, a question and its answer; the answer restates the fact or is a bare yes or no."""
    other = draws.choice([someone.name for someone in people if someone is not person])
    is_true = draws.chance(0.5)
    question = CLOSED_QUESTIONS[fact.kind]
    verb = "am" if question.startswith("Are") else "do"
    bare = f"Yes, I {verb}." if is_true else f"No, I {verb} not."
    full = ("Yes, " if is_true else "No, ") + fill(REPLIES[fact.kind], person.name, fact)
    asked = fact if is_true else altered(fact, dealer, draws)
    meeting = [f"{other} met {person.name}."] if draws.chance(0.5) else []
    return [*meeting, fill(question, person.name, asked), bare if draws.chance(0.5) else full]
