"""Sentences within quotation marks and brackets: split as the same text without the marks."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sentencex import segment

from nsp_ablation.text.corpus.quotations import split_quotations
from nsp_ablation.text.corpus.sentences import split_sentences

PAIRS = ["“”", "‘’", "„“", "«»", "»«", "‹›", "「」", "『』", "《》", '""', "''", "()", "[]", "（）", "【】"]


def split(text, language="en"):
    return split_sentences(text, language, False, True)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", '"I came. I saw." He left.', ['"I came.', 'I saw."', "He left."]),
        ("en", "“Stop! Stop!” he cried.", ["“Stop!", "Stop!” he cried."]),
        ("en", "(See Dr. Lee. He is in.) Then go.", ["(See Dr. Lee.", "He is in.)", "Then go."]),
        ("en", "“He said: ‘Go. Now.’ I went.” So.", ["“He said: ‘Go.", "Now.’", "I went.”", "So."]),
        ("en", "``I came. I saw.'' Go.", ["``I came.", "I saw.''", "Go."]),
        ("en", "“I don’t. I won’t. It’s the dogs’ own.”", ["“I don’t.", "I won’t.", "It’s the dogs’ own.”"]),
        ("en", "“I came. I saw. He left", ["“I came.", "I saw.", "He left"]),
        ("en", "I came.” I saw.", ["I came.”", "I saw."]),
        ("en", "The U.S. Army (1,234 men vs. 5.6 tons) won.", ["The U.S. Army (1,234 men vs. 5.6 tons) won."]),
        ("en", "“He said, ‘Go now. Go far.’” She left.", ["“He said, ‘Go now.", "Go far.’”", "She left."]),
        ("de", "Er sagte: „Ich kam. Ich sah.“ Dann ging er.", ["Er sagte: „Ich kam.", "Ich sah.“", "Dann ging er."]),
        ("de", "»Ich kam. Ich sah.« Er ging.", ["»Ich kam.", "Ich sah.«", "Er ging."]),
        ("fr", "« Je suis venu. J’ai vu. » Il partit.", ["« Je suis venu.", "J’ai vu. »", "Il partit."]),
        ("zh", "他说：“我来了。我看见了。”然后走了。", ["他说：“我来了。", "我看见了。”", "然后走了。"]),
        ("ja", "「来た。見た。」彼は言った。", ["「来た。", "見た。」", "彼は言った。"]),
    ],
)
def test_speech_is_split_and_its_marks_stay_with_it(language, text, expected):
    assert split(text, language) == expected


sentences = st.sampled_from(
    ["I saw Dr. Lee.", "He left at 5 p.m. sharp.", "Why?", "It’s the U.S. Army!", "We don't.", "Yes, Mr. Fox."]
)
speech = st.lists(sentences, min_size=1, max_size=4).map(" ".join)


@settings(max_examples=30, deadline=None)
@given(speech, speech, st.sampled_from(PAIRS), st.sampled_from(PAIRS))
def test_quoted_sentences_are_those_of_the_same_text_without_marks(before, inside, pair, other):
    """No abbreviation ends a sentence inside that ends none outside; one pair of marks within another is the same."""
    expected = without_marks(segment("en", f"{before} {inside} He left."))
    other = other if other != pair else "“”" if pair != "“”" else "()"
    for marked in (f"{pair[0]}{inside}{pair[1]}", f"{other[0]}{pair[0]}{inside}{pair[1]}{other[1]}"):
        assert without_marks(split(f"{before} {marked} He left.")) == expected


def without_marks(sentences: list[str]) -> list[str]:
    return [sentence.translate(str.maketrans("", "", "".join(PAIRS))).strip() for sentence in sentences]


pieces = st.sampled_from(
    ["He came. ", "I saw", ".", "! ", "Dr. Lee ", "。", "\n", " ", "l’été", "'s ", *"".join(PAIRS)]
)


@settings(max_examples=60)
@given(st.lists(pieces, max_size=14).map("".join), st.sampled_from(["en", "de", "fr", "zh"]))
@example("(. ", "en")
@example("“”. ”“", "en")
def test_joined_sentences_are_the_text(text, language):
    whole = segment(language, text)
    found = split_quotations(whole, language)
    assert "".join(found) == "".join(whole)


def borders(sentences: list[str]) -> set[int]:
    """Return how many characters that are no marks and no white space stand before each border."""
    bare = [len("".join(character for character in item if character.isalnum())) for item in sentences]
    return {sum(bare[:number]) for number in range(len(bare))}


@settings(max_examples=40)
@given(st.lists(pieces, max_size=14).map("".join))
def test_borders_outside_stay_and_others_are_added(text):
    whole = segment("en", text)
    assert borders(whole) <= borders(split_quotations(whole, "en")) | {0, sum(map(str.isalnum, text))}


@pytest.mark.parametrize(
    "text", ["He came. She left.", "“Go,” he said.", "It is (p. 3) here.", "“Help!” Paul wrote it."]
)
def test_text_without_sentences_between_marks_is_as_it_was(text):
    assert split(text) == split_sentences(text, "en", False, False)


def test_the_choice_and_one_sentence_per_line_leave_quotations_whole():
    text = "“I came. I saw.”"
    assert split_sentences(text, "en", False, False) == split_sentences(text, "en", True, True) == [text]
