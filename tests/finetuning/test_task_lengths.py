"""Lengths of task inputs: the paper's at T = 512, scaled below (fidelity row 24)."""

import numpy as np
import pytest

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.encoder_directory import load_tokenizer
from nsp_ablation.learning.tasks import multiple_choice, span_qa
from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample
from nsp_ablation.options.task_options import TaskOptions


def layout_of(max_length):
    return InputLayout(max_length, cls=2, sep=3, mask=4, pad=0, pair_separators=1, second_type=1)


def words(number):
    """`number` words of one letter and one token."""
    return " ".join("abcdefghij"[n % 10] for n in range(number))


def spans(directory, max_length, question_words):
    example = SpanExample("0", words(question_words), words(1200), (("a", 0),))
    task = TaskOptions("task", "span_qa", metric="f1")
    return span_qa.featurize([example], load_tokenizer(directory).backend_tokenizer, layout_of(max_length), task)


@pytest.mark.parametrize(("max_length", "kept"), [(512, 64), (384, 64), (256, 64), (128, 32), (96, 24), (16, 4)])
def test_a_question_keeps_64_tokens_and_at_most_a_quarter(bert_directory, max_length, kept):
    features = spans(bert_directory, max_length, 100)
    assert set(features.second) == {1 + kept + 1}
    assert features.lengths().max() == max_length


@pytest.mark.parametrize(("max_length", "stride"), [(512, 128), (384, 128), (256, 121), (96, 41)])
def test_windows_are_128_tokens_apart_and_at_most_half_of_the_capacity(bert_directory, max_length, stride):
    features = spans(bert_directory, max_length, 10)
    capacity = max_length - 10 - 3
    starts = features.characters[features.offsets[:-1] + 12, 0] // 2  # a word and a blank for each token
    assert np.diff(starts).tolist() == [stride] * (len(starts) - 1)
    assert stride == min(128, capacity // 2)


@pytest.mark.parametrize(("max_length", "kept"), [(512, 128), (256, 64), (96, 24)])
def test_race_question_and_option_keep_128_tokens_and_at_most_a_quarter_and_512_in_all(
    bert_directory, max_length, kept
):
    example = ChoiceExample("0", words(900), words(300), ("a", "b", "c", "d"), 0)
    task, tokenizer = TaskOptions("task", "multiple_choice", metric="accuracy"), load_tokenizer(bert_directory)
    features = multiple_choice.featurize([example], tokenizer.backend_tokenizer, layout_of(max_length), task)
    assert np.diff(features.offsets).tolist() == [max_length] * 4
    assert (np.diff(features.offsets) - features.second - 1).tolist() == [kept] * 4
