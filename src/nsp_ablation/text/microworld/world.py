"""The micro-world's words: people, what can be told of them, opinions, and the halves that keep test values unseen.

Words are short and few on purpose: a byte-level BPE of a few hundred merges then holds each of them as one token.
No word that follows an article begins with a vowel ("a" is always right). No word that can end a sentence is an
abbreviation of English ("fig.", "Ida.", "no."), after which sentence splitters would not split.
"""

from typing import Literal

Half = Literal["all", "train", "dev"]

WOMEN = ("Anna", "Beth", "Cara", "Dora", "Emma", "Faye", "Gwen", "Hanna", "Iris", "Jane", "Kate", "Lena")
MEN = ("Adam", "Ben", "Carl", "Dean", "Evan", "Fred", "Gus", "Henry", "Ivan", "Jack", "Kurt", "Leo")
NAMES = WOMEN + MEN

BIRDS = ("hen", "duck", "swan")
BEASTS = ("cat", "dog", "goat")
FISH = ("carp", "trout", "pike")
SPECIES = {animal: name for name, group in (("bird", BIRDS), ("beast", BEASTS), ("fish", FISH)) for animal in group}
ANTONYM_PAIRS = (("tall", "short"), ("old", "young"), ("rich", "poor"), ("strong", "weak"))
ANTONYMS = {word: other for pair in ANTONYM_PAIRS for word, other in (pair, pair[::-1])}

# fmt: off
# A slot is a place in a sentence that takes one word of its kind.
SLOT_VALUES = {
    "home": ("Bath", "Bonn", "Cork", "Graz", "Kiel", "Leeds", "Lyon", "Oslo", "Riga", "Rome", "Turin", "York"),
    "job": (
        "baker", "clerk", "cook", "guard", "judge", "miner", "nurse", "pilot", "poet", "potter", "singer", "tailor",
    ),
    "animal": BIRDS + BEASTS + FISH,
    "colour": ("red", "blue", "green", "black", "white", "brown"),
    "food": ("rice", "soup", "bread", "cheese", "ham", "cake", "jam", "corn", "nuts", "beans"),
    "size": tuple(word for pair in ANTONYM_PAIRS for word in pair),
}
# fmt: on
SLOT_OF = {value: slot for slot, values in SLOT_VALUES.items() for value in values}

# A fact of one kind fills one or two slots.
FACT_SLOTS = {"home": ("home",), "job": ("job",), "pet": ("colour", "animal"), "food": ("food",), "size": ("size",)}
FACT_KINDS = tuple(FACT_SLOTS)
FACT_OF_SLOT = {slot: kind for kind, slots in FACT_SLOTS.items() for slot in slots}

THINGS = ("film", "book", "song", "play", "show", "game", "tale", "poem")
# fmt: off
ADJECTIVES: dict[int, tuple[str, ...]] = {
    1: (
        "good", "fine", "great", "nice", "sweet", "warm", "bright", "grand", "fair", "fresh",
        "neat", "clever", "funny", "lovely", "tender", "smart", "bold", "gentle", "superb", "merry",
    ),
    0: (
        "bad", "dull", "cold", "grim", "bleak", "stale", "slow", "nasty", "sad", "harsh",
        "rude", "flat", "lame", "gloomy", "dreary", "messy", "silly", "horrid", "vile", "bland",
    ),
}
# fmt: on
MOODS = {
    1: ("smiled", "laughed", "sang", "danced", "cheered", "grinned"),
    0: ("wept", "cried", "sighed", "frowned", "sobbed", "groaned"),
}


def values_of(half: Half) -> dict[str, tuple[str, ...]]:
    """Return the words of each slot: all of them, or the half that one side of a task's split may use.

    The halves take every second word (of sizes, every second pair of antonyms) and share none, so that no value in a
    development set was ever seen in fine-tuning.
    """
    if half == "all":
        return SLOT_VALUES
    start = 0 if half == "train" else 1
    halves = {slot: values[start::2] for slot, values in SLOT_VALUES.items()}
    halves["size"] = tuple(word for pair in ANTONYM_PAIRS[start::2] for word in pair)
    return halves


def adjectives_of(half: Half) -> dict[int, tuple[str, ...]]:
    """Return the opinion adjectives by polarity (1 positive, 0 negative), split as `values_of` splits values."""
    if half == "all":
        return ADJECTIVES
    start = 0 if half == "train" else 1
    return {polarity: words[start::2] for polarity, words in ADJECTIVES.items()}
