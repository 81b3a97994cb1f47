"""The list of languages is what the library does: it has no list to ask for, so it is asked to split."""

import string

import pytest
from sentencex import segment

from nsp_ablation.config.corpus_rules import corpus_problems
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.options.languages import BY_MARKS, LANGUAGES, RELATED, RULES, WITHOUT_MARKS

# Abbreviations and numbers of many languages, which English rules take for ends of sentences.
ABBREVIATIONS = """bzw usw Sra Mme p.ex dhr mevr prof inż np г ул др напр bl.a f.eks napr tj yms dott avv Exmo κ ж.т.б ডা
డా ಡಾ ഡോ திரு ዶ ա ا.د"""
NUMBERS = "5. mai Xyz. 12. toukokuuta Xyz. Abc; Xyz: Abc՞ Abc։ Xyz A. Б. Пушкин. क। ख; e. x. Y 3. August war."
PROBE = "\n\n".join([*(f"x {word}. Xyz {word}. Abc" for word in ABBREVIATIONS.split()), NUMBERS])


def differs(code: str) -> bool:
    return segment(code, PROBE) != ENGLISH


ENGLISH = segment("en", PROBE)


def test_every_code_of_two_letters_with_rules_of_its_own_is_a_language_of_rules():
    """Guarded against vacuity: of the languages with rules, these at least are told from English."""
    found = {a + b for a in string.ascii_lowercase for b in string.ascii_lowercase if differs(a + b)}
    assert found <= RULES | RELATED
    assert len(found & RULES) > 12


def test_codes_that_are_split_by_marks_alone_are_split_as_english():
    assert not [code for code in BY_MARKS if differs(code)]


def test_the_parts_of_the_list_are_apart():
    assert len(LANGUAGES) == len(RULES) + len(RELATED) + len(BY_MARKS)
    assert WITHOUT_MARKS <= BY_MARKS


@pytest.mark.parametrize(("code", "text"), [("th", "ฉันมา ฉันเห็น"), ("lo", "ຂ້ອຍມາ ຂ້ອຍເຫັນ"), ("km", "ខ្ញុំមក។ ខ្ញុំឃើញ។")])
def test_languages_without_marks_are_one_sentence(code, text):
    assert code in WITHOUT_MARKS
    assert segment(code, text) == [text]


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("klingon", "no such language of the sentence splitter; give an ISO 639-1 code, such as en, de or zh"),
        ("english", "give an ISO 639-1 code, such as en, de or zh"),  # and not egl, the code most like it
        ("EN", "did you mean en?"),
        ("de_DE", "did you mean de?"),
        ("frr-x", "did you mean frr?"),
        ("zh-hanz", "did you mean zh?"),
        ("en", None),
        ("th", None),
        ("zh-tw", None),
    ],
)
def test_a_language_that_the_splitter_does_not_know_is_refused(language, reason):
    options = CorpusOptions("x", "text", path="x", document_border="file", language=language)
    problems = list(corpus_problems(options))
    assert [problem.reason.endswith(reason) for problem in problems] == ([] if reason is None else [True])
