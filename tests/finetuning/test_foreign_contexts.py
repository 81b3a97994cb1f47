"""Questions on exchanged contexts: of another article, of like length, and not about the same."""

import random

import pytest

from nsp_ablation.learning.tasks import multiple_choice, span_qa
from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample
from nsp_ablation.learning.tasks.foreign_contexts import foreign_contexts

WORDS = [f"w{n}" for n in range(500)]


def text(draw, length):
    return " ".join(draw.choices(WORDS, k=length))


@pytest.mark.parametrize("seed", range(5))
def test_every_context_becomes_one_of_another_group_and_of_its_length(seed):
    draw = random.Random(seed)
    contexts = [text(draw, draw.randrange(20, 200)) for _ in range(60)]
    groups = [str(draw.randrange(5)) for _ in contexts]
    group_of = dict(zip(contexts, groups, strict=True))
    asked = [draw.randrange(60) for _ in range(150)]  # several questions ask about a context
    found = foreign_contexts([contexts[n] for n in asked], [groups[n] for n in asked])
    assert len(found) == 150
    for n, foreign in zip(asked, found, strict=True):
        assert group_of[foreign] != groups[n]
        assert abs(len(foreign) - len(contexts[n])) < 150  # of 150 to 1,000 characters
        same = [other for m, other in zip(asked, found, strict=True) if contexts[m] == contexts[n]]
        assert set(same) == {foreign}
    assert len(set(found)) > 40  # no context stands in for many


def test_a_simpler_wording_of_the_same_is_not_foreign():
    draw = random.Random(0)
    first, second, third = text(draw, 50), text(draw, 70), text(draw, 90)
    simpler = " ".join(first.split()[:45] + ["so"] * 3)
    contexts = [first, simpler, second, third]
    found = foreign_contexts(contexts, contexts)
    assert simpler not in found[:1]
    assert first not in found[1:2]
    assert foreign_contexts([first, simpler], [first, simpler]) is None


def test_without_another_group_there_is_nothing_foreign():
    assert foreign_contexts(["a b c d", "e f g h"], ["x", "x"]) is None
    assert foreign_contexts(["a b c d"], ["x"]) is None


def test_span_questions_keep_id_and_words_and_lose_their_answers():
    contexts = ["Ann went to Rome in May .", "Ben saw blue cats at noon .", "Carl eats red bread now ."]
    examples = [
        SpanExample(str(n), f"Who {n}?", context, ((context[:3], 0),), f"article {n // 2}")
        for n, context in enumerate(contexts)
    ]
    found = span_qa.with_foreign_contexts(examples)
    assert [(example.id, example.question, example.answers) for example in found] == [
        (str(n), f"Who {n}?", ()) for n in range(3)
    ]
    assert [example.context for example in found] == [contexts[2], contexts[2], found[2].context]
    assert found[2].context in contexts[:2]
    assert span_qa.with_foreign_contexts(examples[:1]) is None


def test_choices_keep_their_options_and_label():
    examples = [ChoiceExample(str(n), article, "Who?", ("a", "b"), n % 2) for n, article in enumerate(["x y", "u v"])]
    found = multiple_choice.with_foreign_contexts(examples)
    assert [example.article for example in found] == ["u v", "x y"]
    assert [(example.id, example.options, example.label) for example in found] == [
        (example.id, example.options, example.label) for example in examples
    ]
