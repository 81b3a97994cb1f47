"""The words that word recall masks and the texts that it masks them in: the same ones in any vocabulary.

Whatever is chosen here, is chosen by words, their number and the borders of sentences, never by tokens. A word that a
vocabulary lacks counts as a word and is none that is chosen; so that it is none where another vocabulary has it either,
words with rare characters are not chosen (`_of_common_characters`), which are those that WordPiece lacks.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nsp_ablation.base.randomness import stream
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.basic_words import WordReader, cut_text, is_readable


@dataclass(frozen=True)
class HeldoutSentence:
    """A sentence: its number in the store, and its words, one or more."""

    number: int
    words: list[str]


@dataclass(frozen=True)
class WordPlace:
    """An occurrence of a word: sentence and word by their numbers, in the text and in the sentence."""

    sentence: int
    word: int


@dataclass(frozen=True)
class WordText:
    """Whole neighbouring sentences of a document, and the words that are asked for in it.

    targets: by example id, the word, the occurrence that is masked, and all others in the text.
    """

    document: int
    sentences: Sequence[HeldoutSentence]
    targets: dict[str, tuple[str, WordPlace, list[WordPlace]]]


def read_words(store: TokenStore, reader: WordReader, max_words: int | None) -> list[list[HeldoutSentence]]:
    """Return the sentences of the documents that begin within the first `max_words` words (all if None).

    Sentences and documents without a word are left out: a vocabulary may have no token for what stands in them, and
    then the store does not have them.
    """
    offsets, found, num_words = np.asarray(store.sentence_offsets), list[list[HeldoutSentence]](), 0
    for start, end in zip(store.document_offsets[:-1].tolist(), store.document_offsets[1:].tolist(), strict=True):
        if max_words is not None and num_words >= max_words:
            break
        ids = [np.asarray(store.ids[offsets[number] : offsets[number + 1]]) for number in range(start, end)]
        words = enumerate(reader.words(ids), start)
        if sentences := [HeldoutSentence(number, own) for number, own in words if own]:
            found.append(sentences)
            num_words += sum(len(sentence.words) for sentence in sentences)
    return found


def words_to_ask_for(
    documents: list[list[HeldoutSentence]], values: Iterable[str] | None, task: TaskOptions
) -> frozenset[str]:
    """Return the words of `values`; without them, words of letters and digits that are not among the `num_frequent`
    commonest, none of them longer than `max_letters` or with a rare character."""
    if values is not None:
        return frozenset(words[0] for words in map(cut_text, values) if len(words) == 1)
    counts = Counter(word for sentences in documents for sentence in sentences for word in sentence.words)
    readable = {word: n for word, n in counts.items() if len(word) <= task.max_letters and is_readable(word)}
    known = _of_common_characters(readable, task.min_character_share * counts.total())
    commonest = sorted(known, key=lambda word: (-known[word], word))[: task.num_frequent]
    return frozenset(known) - frozenset(commonest)


def _of_common_characters(counts: dict[str, int], least: float) -> dict[str, int]:
    """Return the words of which each character stands in `least` of them or more, counted by occurrences.

    What is left is the same for a vocabulary that lacks all words with some characters as for one that has them, where
    these characters are too rare: in whatever order words are left out, the same ones stay. A vocabulary that lacks
    more than that, such as a form of a common letter, has other examples, which the report does not compare.
    """
    while True:
        characters: Counter[str] = Counter()
        for word, count in counts.items():
            characters.update(dict.fromkeys(word, count))
        rare = {character for character, count in characters.items() if count < least}
        if not rare:
            return counts
        counts = {word: count for word, count in counts.items() if rare.isdisjoint(word)}


def choose_texts(
    documents: list[list[HeldoutSentence]], asked: frozenset[str], max_words: int, task: TaskOptions
) -> list[WordText]:
    """Return texts of at most `max_words` words in which words of `asked` stand twice or more, in the documents' order.

    A document is cut into texts from its beginning; a sentence of more words is in none. At most `targets_per_input`
    different words are masked in a text, each once, and at most `num_inputs` texts (all if None) are drawn. The draws
    are functions of the examples' ids, each `document-sentence-word-occurrence in the sentence`, in numbers from 0.
    """
    found: list[tuple[int, WordText]] = []
    for number, document in enumerate(documents):
        for first, end in _cut(document, max_words):
            targets = _targets(document[first:end], f"{number}", first, asked)[: task.targets_per_input]
            if targets:
                text = WordText(number, document[first:end], dict(targets))
                found.append((int(stream(f"word recall {number}-{first}")), text))
    drawn = sorted(range(len(found)), key=lambda n: found[n][0])[: task.num_inputs]
    return [found[n][1] for n in sorted(drawn)]


def _cut(document: list[HeldoutSentence], max_words: int) -> list[tuple[int, int]]:
    """Return texts as sentences [first, end), as many as fit one after the other."""
    texts, first, num_words = [], 0, 0
    for number, sentence in enumerate(document):
        if num_words + len(sentence.words) > max_words:
            texts.append((first, number))
            is_too_long = len(sentence.words) > max_words
            first, num_words = number + is_too_long, 0
            if is_too_long:
                continue
        num_words += len(sentence.words)
    return [(start, end) for start, end in [*texts, (first, len(document))] if end > start]


def _targets(
    sentences: Sequence[HeldoutSentence], document: str, first: int, asked: frozenset[str]
) -> list[tuple[str, tuple[str, WordPlace, list[WordPlace]]]]:
    """Return id, word, occurrence and its others of each word that is repeated, by the draws of the ids."""
    places: dict[str, list[tuple[str, WordPlace]]] = {}
    for number, sentence in enumerate(sentences):
        seen: Counter[str] = Counter()
        for at, word in enumerate(sentence.words):
            if word in asked:
                example_id = f"{document}-{first + number}-{word}-{seen[word]}"
                places.setdefault(word, []).append((example_id, WordPlace(number, at)))
                seen[word] += 1
    rows = []
    for word, own in places.items():
        if len(own) > 1:
            draw, example_id, place = min((int(stream(f"word recall {name}")), name, at) for name, at in own)
            rows.append((draw, (example_id, (word, place, [at for _, at in own if at != place]))))
    return [row for _, row in sorted(rows)]
