"""Sentences that judge a thing, each of one polarity (1 positive, 0 negative)."""

from nsp_ablation.text.microworld.world import MOODS, THINGS
from nsp_ablation.text.microworld.world_draws import Draws

OPINIONS = (
    "The {thing} was {first} and {second}.",
    "It was a {first} and {second} {thing}.",
    "{P} said that the {thing} was {first} and {second}.",
    "{P} called the {thing} {first} and {second}.",
)
MOOD_SENTENCES = ("{P} {mood}.", "{P} {mood} at the {thing}.")


def opinion(person: str, adjectives: tuple[str, ...], draws: Draws) -> str:
    """Return an opinion sentence with two of `adjectives`."""
    first, second = draws.sample(adjectives, 2)
    return draws.choice(OPINIONS).format(P=person, thing=draws.choice(THINGS), first=first, second=second)


def mood(person: str, polarity: int, draws: Draws) -> str:
    """Return a sentence that shows somebody's mood."""
    return draws.choice(MOOD_SENTENCES).format(P=person, mood=draws.choice(MOODS[polarity]), thing=draws.choice(THINGS))
