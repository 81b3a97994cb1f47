"""One example of each kind of task, as text; features and metrics both start from these."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SpanExample:
    """A question on a context (SQuAD). `answers` holds (text, first character) of every reference, none if
    unanswerable; each text stands in `context` at its offset. `article` is the title of the context's article, empty
    where the source has none."""

    id: str
    question: str
    context: str
    answers: tuple[tuple[str, int], ...]
    article: str = ""


@dataclass(frozen=True)
class SpanAnswer:
    """What is told of a span question: `text`, empty for no answer.

    `best` is the best answer whether one is told or not, and `none_probability` that there is none, from 0 to 1: what
    thresholds are tried on (SQuAD 2.0).
    """

    text: str
    best: str = ""
    none_probability: float = 0.0


@dataclass(frozen=True)
class TextExample:
    """One text or a pair of texts with the number of its class (GLUE)."""

    id: str
    texts: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class RatedExample:
    """One text or a pair of texts with a number that is to be told (GLUE: STS-B)."""

    id: str
    texts: tuple[str, ...]
    label: float


@dataclass(frozen=True)
class MinimalPair:
    """A sound sentence beside one that differs in little and is not (BLiMP); `phenomenon` is what tells them apart,
    `paradigm` the template that both were made from."""

    id: str
    good: str
    bad: str
    phenomenon: str
    paradigm: str


@dataclass(frozen=True)
class ChoiceExample:
    """A question on an article with options, of which number `label` is right (RACE)."""

    id: str
    article: str
    question: str
    options: tuple[str, ...]
    label: int
