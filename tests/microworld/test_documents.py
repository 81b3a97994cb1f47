import json
import re
from collections import Counter

import pytest
from sentencex import segment

from nsp_ablation.text.microworld.world import ADJECTIVES, MOODS, NAMES, SLOT_OF, WOMEN
from nsp_ablation.text.microworld.world_documents import document, write_documents

NUM_DOCUMENTS = 1500


@pytest.fixture(scope="module")
def documents() -> list[list[list[str]]]:
    return [document(1, number) for number in range(NUM_DOCUMENTS)]


def words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def test_a_sentence_splitter_finds_exactly_the_sentences_meant(documents):
    for paragraphs in documents:
        for sentences in paragraphs:
            assert [sentence.strip() for sentence in segment("en", " ".join(sentences))] == sentences


def test_the_file_holds_the_documents_and_depends_on_the_seed_alone(tmp_path, documents):
    for name, num_documents, seed in (("a", 20, 1), ("again", 20, 1), ("longer", 30, 1), ("other", 20, 2)):
        write_documents(tmp_path / name, num_documents, seed)
    lines = (tmp_path / "a").read_text().splitlines()
    assert (tmp_path / "again").read_text().splitlines() == lines
    assert (tmp_path / "longer").read_text().splitlines()[:20] == lines
    rows = [json.loads(line) for line in lines]
    assert rows[3] == {"id": "microworld/1/3", "text": "\n\n".join(" ".join(part) for part in documents[3])}
    other = [json.loads(line) for line in (tmp_path / "other").read_text().splitlines()]
    assert {row["text"] for row in rows}.isdisjoint(row["text"] for row in other)


def test_documents_have_the_lengths_that_the_small_models_need(documents):
    num_sentences = [sum(map(len, paragraphs)) for paragraphs in documents]
    lengths = [len(words(sentence)) for paragraphs in documents for part in paragraphs for sentence in part]
    assert min(num_sentences) >= 3
    assert 12 <= sum(num_sentences) / NUM_DOCUMENTS <= 14
    assert 3 <= min(lengths) <= max(lengths) <= 12
    assert 5.5 <= sum(lengths) / len(lengths) <= 6.5


def test_the_vocabulary_is_small(documents):
    forms = {word for paragraphs in documents for part in paragraphs for sentence in part for word in words(sentence)}
    assert 200 <= len(forms) <= 215


def test_later_sentences_return_to_what_was_told(documents):
    """In-context recall needs masked values whose word stands elsewhere in the document."""
    told = recurring = 0
    for first, second in documents:
        values = {word for sentence in first for word in words(sentence) if word in SLOT_OF}
        told += len(values)
        recurring += len(values & {word for sentence in second for word in words(sentence)})
    assert recurring / told > 0.4


def test_a_document_has_one_polarity(documents):
    polarity_of = {word: polarity for polarity in (0, 1) for word in ADJECTIVES[polarity] + MOODS[polarity]}
    found = [
        {
            polarity_of[word]
            for part in paragraphs
            for sentence in part
            for word in words(sentence)
            if word in polarity_of
        }
        for paragraphs in documents
    ]
    counts = Counter(map(frozenset, found))
    assert set(counts) == {frozenset(), frozenset({0}), frozenset({1})}
    assert counts[frozenset()] < 0.1 * NUM_DOCUMENTS
    assert abs(counts[frozenset({0})] - counts[frozenset({1})]) < 5 * NUM_DOCUMENTS**0.5


def test_pronouns_agree_with_the_last_person_named(documents):
    num_pronouns = 0
    for first, _ in documents:
        named = ""
        for sentence in first:
            opener = words(sentence)[0]
            if opener in ("She", "Her", "He", "His"):
                num_pronouns += 1
                assert (named in WOMEN) == (opener in ("She", "Her")), first
            else:
                named = next(word for word in words(sentence)[::-1] if word[0].isupper() and word not in SLOT_OF)
    assert num_pronouns > NUM_DOCUMENTS


def home_of(person: str, sentences: list[str]) -> str | None:
    named, home = "", None
    for sentence in sentences:
        named = found[0] if (found := [name for name in NAMES if name in words(sentence)]) else named
        if named == person and (place := re.search(r"(?:lived|was) in (\w+)\.", sentence)):
            home = place[1]
    return home


def test_a_yes_or_no_follows_from_the_facts(documents):
    """ "Do you live in X?" is answered with yes exactly where X was told of the person asked."""
    answers = Counter()
    for first, second in documents:
        for question, answer in zip(second, second[1:], strict=False):
            if not question.endswith("?") or "live in" not in question:
                continue
            home, person = re.fullmatch(r"Do you live in (\w+), (\w+)\?", question).groups()
            told = " ".join(first)
            homes = re.findall(rf"{person} (?:was in|lived in) (\w+)", told) or re.findall(
                r"(?:lived|was) in (\w+)", told
            )
            assert answer.startswith("Yes") == (home in homes), (first, question, answer)
            answers[answer.split(",")[0]] += 1
    assert min(answers["Yes"], answers["No"]) > 30
