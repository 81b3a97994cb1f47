"""CMRC 2018's scores, by hand and beside a literal reading of the published script."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.learning.tasks import cmrc_metrics
from nsp_ablation.learning.tasks.examples import SpanExample
from nsp_ablation.learning.tasks.span_baselines import measure
from nsp_ablation.learning.tasks.span_scores import SPAN_SCORINGS, span_scores, span_scoring
from nsp_ablation.learning.tasks.text_units import words_of
from nsp_ablation.options.task_options import TaskOptions

CMRC = TaskOptions("task", "span_qa", metric="f1", scoring="cmrc", baseline_answer_words=10)
PUNCTUATION = [*"-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("北京大学", ["北", "京", "大", "学"]),
        ("《红楼梦》。", ["红", "楼", "梦"]),
        ("iPhone 6s手机", ["iphone", "6s", "手", "机"]),
        ("COVID-19", ["covid19"]),
        ("约3.5万人", ["约", "3.5", "万", "人"]),
        ("1,000 元", ["1,000", "元"]),
        ("等等……", ["等", "等", "……"]),
        ("你好, world!", ["你", "好", ",", "world", "!"]),
        (" \u3000", []),
        ("。！", []),
    ],
)
def test_units_are_characters_and_latin_words(text, units):
    assert cmrc_metrics.units(text) == units
    assert cmrc_metrics.units(cmrc_metrics.joined(units)) == units


@pytest.mark.parametrize(
    ("prediction", "reference", "f1", "exact"),
    [
        ("北京大学", "北京大学", 1, 1),
        ("“北京大学”。", "北京大学", 1, 1),
        ("北京", "北京大学", 2 * 1 * 0.5 / 1.5, 0),
        ("在北京大学", "北京大学校", 4 / 5, 0),  # four in a row of five each
        ("北大", "北京大学", 2 * (1 / 2) * (1 / 4) / (3 / 4), 0),  # 北 and 大 are no neighbours there: one counts
        ("学大京北", "北京大学", 1 / 4, 0),  # SQuAD's bag would give 1
        ("2008年8月", "2008年", 4 / 6, 0),  # 2008 is one unit: two in a row, of four and of two
        ("APPLE 公司", "apple公司", 1, 0),  # the space counts for equality alone
        ("上海", "北京", 0, 0),
        ("", "北京", 0, 0),
        ("", "。", 0, 1),
    ],
)
def test_answers_by_hand(prediction, reference, f1, exact):
    assert cmrc_metrics.f1(prediction, reference) == pytest.approx(f1)
    assert cmrc_metrics.exact_match(prediction, reference) == exact


def literal_f1(prediction: str, reference: str) -> float:
    """The longest common run of units, searched for among all runs; units cut one character after the other."""

    def units(text):
        found, latin = [], ""
        for character in [*text.lower().strip(), "\0"]:
            if character in PUNCTUATION:
                continue
            if "\u4e00" <= character <= "\u9fa5" or character == "\0":
                found += latin.split()
                latin = ""
                found += [character]
            else:
                latin += character
        return found[:-1]

    first, second = units(prediction), units(reference)

    def runs(words):
        return {tuple(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)}

    longest = max(map(len, runs(first) & runs(second)), default=0)
    if not longest:
        return 0.0
    precision, recall = longest / len(first), longest / len(second)
    return 2 * precision * recall / (precision + recall)


ANSWERS = st.text(alphabet="北京大学的在aB7 ，。《》-", max_size=7)


@settings(max_examples=50)
@given(ANSWERS, ANSWERS)
def test_f1_is_that_of_a_literal_search(prediction, reference):
    assert cmrc_metrics.f1(prediction, reference) == pytest.approx(literal_f1(prediction, reference))


@settings(max_examples=50)
@given(ANSWERS, ANSWERS)
def test_f1_is_symmetric_and_1_for_equal_units_alone(first, second):
    assert cmrc_metrics.f1(first, second) == cmrc_metrics.f1(second, first)
    is_same = cmrc_metrics.units(first) == cmrc_metrics.units(second) != []
    assert (cmrc_metrics.f1(first, second) == 1) == is_same


def test_every_scoring_has_what_scores_and_baselines_ask_for():
    for name in SPAN_SCORINGS:
        scoring = span_scoring(TaskOptions("task", "span_qa", metric="f1", scoring=name))
        words = scoring.units("北京 Rome, old Town")
        assert scoring.units(scoring.joined(words)) == words
        assert scoring.f1("北京", "北京") == scoring.exact_match("Rome.", "rome.") == 1


def test_the_best_reference_counts_and_no_answer_is_right_where_there_is_none():
    scores = span_scores(["北京大学", "x"], [["大学", "北京大学校"], ["北"]], CMRC)
    assert scores["f1"].tolist() == pytest.approx([8 / 9, 0])
    assert scores["exact_match"].tolist() == [0, 0]
    some = TaskOptions("task", "span_qa", metric="f1", scoring="cmrc", unanswerable=True)
    for prediction, references, expected in (
        ("", [], 1),
        ("北", [], 0),
        ("。", [], 1),
        ("", ["北"], 0),
        ("", ["。"], 1),
    ):
        found = span_scores([prediction], [references], some)
        assert found["f1"].tolist() == found["exact_match"].tolist() == [expected]


def chinese(context: str, question: str, answer: str) -> SpanExample:
    return SpanExample(context + question, question, context, ((answer, context.index(answer)),))


def test_baselines_in_chinese_find_answers_by_characters():
    context = "明明今天住在北京。上海住着红红。"
    train = [chinese(context, "谁？", "北京"), chinese(context, "谁？", "上海")]
    dev = [chinese(context, "红红的家是哪里？", "上海"), chinese(context, "明明的家是哪里？", "北京")]
    chance, majority, nearest = measure(train, dev, CMRC)
    assert (chance, majority) == (0.5, 0.5)
    assert nearest == 1.0
    by_spaces = TaskOptions("task", "span_qa", metric="f1")
    assert measure(train, dev, by_spaces)[2] == 0.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's 2 cats", ["It", "s", "2", "cats"]),
        ("我爱北京 abc中文", ["我", "爱", "北", "京", "abc", "中", "文"]),
        ("カタカナとひら", [*"カタカナとひら"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा"]),
        ("e\u0301te\u0301 café", ["e\u0301te\u0301", "café"]),
        ("한국어 단어", ["한국어", "단어"]),
    ],
)
def test_words_of_baselines_in_other_scripts(text, words):
    assert words_of(text) == words


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_words_in_ascii_are_runs_of_letters_and_digits(text):
    runs = np.array([character.isalnum() or character == "_" for character in f" {text}"])
    assert len(words_of(text)) == sum(not a and b for a, b in pairwise(runs))
