"""Contexts exchanged for foreign ones: what a model answers without the text that its question is about."""

from collections.abc import Iterator
from functools import cache

from nsp_ablation.learning.tasks.text_units import words_of

_RUN_WORDS, _MAX_SHARED = 3, 0.2  # texts that share more of their runs of words tell the same (OneStopQA's levels)


def foreign_contexts(contexts: list[str], groups: list[str]) -> list[str] | None:
    """Return for each context (N,) one of another group, of about its length and not about the same; pure.

    Of contexts in order of length it is the one that stands nearest, the longer one first, of which at most a fifth of
    the runs of three words stand in it. `groups` (N,) name the article or passage of each context. None where some
    context has no such other.
    """
    group_of = dict(zip(contexts, groups, strict=True))
    by_length, runs = sorted(group_of, key=lambda text: (len(text), text)), cache(_runs)
    found = {}
    for place, text in enumerate(by_length):
        others = (by_length[other] for other in _outwards(place, len(by_length)))
        foreign = (other for other in others if group_of[other] != group_of[text])
        found[text] = next((other for other in foreign if _are_unlike(runs(text), runs(other))), None)
    chosen = [found[text] for text in contexts]
    return [text for text in chosen if text is not None] if None not in chosen else None


def _outwards(place: int, number: int) -> Iterator[int]:
    """Yield the places [0, number) but `place` itself, the nearest first."""
    for distance in range(1, number):
        yield from (other for other in (place + distance, place - distance) if 0 <= other < number)


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = words_of(text.lower())
    return frozenset(tuple(words[start : start + _RUN_WORDS]) for start in range(len(words) - _RUN_WORDS + 1))


def _are_unlike(first: frozenset[tuple[str, ...]], second: frozenset[tuple[str, ...]]) -> bool:
    return len(first & second) <= _MAX_SHARED * min(len(first), len(second))
