"""Every kind of task says which examples depend on each other, and every metric comes from its arrays."""

import json

import numpy as np
import pytest

from nsp_ablation.base.prediction_metrics import metric_value
from nsp_ablation.learning.engine.encoder_directory import load_masked_lm
from nsp_ablation.learning.probes import (
    context_gain,
    heldout_mlm,
    in_context_recall,
    minimal_pairs,
    pair_order,
    word_recall,
)
from nsp_ablation.learning.tasks import classification, multiple_choice, regression, span_qa
from nsp_ablation.learning.tasks.examples import ChoiceExample, RatedExample, SpanAnswer, SpanExample, TextExample
from nsp_ablation.learning.tasks.task_kind import read_task
from nsp_ablation.options.metric_source import metric_source
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions

PAIRS = {"text_columns": ["a", "b"], "label_column": "l", "labels": ["no", "yes"]}
ARTICLES = [("q1", "Ann ran.", "Ann", "Run"), ("q2", "Ann sat.", "Ann", "Run"), ("q3", "Ben sat.", "", "Sit")]


def spans(articles):
    return [
        SpanExample(id, "Who?", context, ((answer, 0),) if answer else (), title)
        for id, context, answer, title in articles
    ]


def span_outcome():
    task = TaskOptions("task", "span_qa", metric="f1", unanswerable=True)
    return span_qa.score(spans(ARTICLES), [SpanAnswer("Ann"), SpanAnswer("Ann sat"), SpanAnswer("")], task)


def class_outcome():
    texts = [("it rained", "wet"), ("it rained", "dry"), ("it snowed", "cold")]
    examples = [TextExample(str(n), pair, n % 2) for n, pair in enumerate(texts)]
    return classification.score(examples, [0, 0, 0], TaskOptions("task", "classification", metric="accuracy", **PAIRS))


def choice_outcome():
    examples = [ChoiceExample(str(n), text, "Who?", ("a", "b"), n % 2) for n, text in enumerate(["x", "x", "y"])]
    return multiple_choice.score(examples, [0, 0, 0], TaskOptions("task", "multiple_choice", metric="accuracy"))


def rated_outcome():
    examples = [
        RatedExample(str(n), (text, "y"), label) for n, (text, label) in enumerate((("a", 0), ("a", 3), ("b", 5)))
    ]
    columns = {"text_columns": ["a", "b"], "label_column": "l"}
    return regression.score(examples, [0.5, 2.0, 1.0], TaskOptions("task", "regression", metric="spearman", **columns))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    rows = [
        {"UID": uid, "pairID": str(n), "sentence_good": f"ann {word} .", "sentence_bad": f"{word} ann .",
         "linguistics_term": term}
        for n, (uid, word, term) in enumerate([("u", "lives", "order"), ("u", "works", "order"), ("v", "is", "other")])
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("pairs")
    (path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def outcomes(bert_directory, inputs_of, pairs, task_of):
    """The outcome of a small task of each kind, by kind."""
    draw = np.random.Generator(np.random.Philox(5))
    documents = draw.integers(5, 30, 96).astype(np.uint16), np.arange(0, 97, 6), np.arange(0, 17, 4)
    model, inputs = load_masked_lm(bert_directory).eval(), inputs_of(bert_directory, 26, documents, np.arange(5, 30))
    heldout = task_of("heldout_mlm", None, heldout_tokens=200)
    return {
        "span_qa": span_outcome(),
        "classification": class_outcome(),
        "regression": rated_outcome(),
        "multiple_choice": choice_outcome(),
        "minimal_pairs": minimal_pairs.measure(model, inputs, task_of("minimal_pairs", pairs)),
        "recall": in_context_recall.measure(model, inputs, task_of("recall", None)),
        "word_recall": word_recall.measure(model, inputs, task_of("word_recall", None, num_frequent=0)),
        "context_gain": context_gain.measure(model, inputs, task_of("context_gain", None, short_share=0.7)),
        "heldout_mlm": heldout_mlm.measure(model, inputs, heldout),
        "pair_order": pair_order.measure(model, inputs, task_of("pair_order", None)),
    }


def test_every_metric_of_every_kind_is_computed_from_its_arrays(outcomes):
    assert set(outcomes) == set(TASK_KINDS)
    for kind, outcome in outcomes.items():
        assert len(outcome.clusters) == len(outcome.example_ids) == len(outcome.scores) > 1, kind
        assert len(set(outcome.clusters)) > 1, kind
        for name, array in outcome.items.items():
            assert (array.dtype, array.shape) == (np.float64, outcome.scores.shape), (kind, name)
            assert not np.isinf(array).any(), (kind, name)
        from_arrays = set()
        for metric, stated in outcome.metrics.items():
            if source := metric_source(metric, outcome.items):
                found = metric_value(source.function, [outcome.items[name] for name in source.arrays])
                assert found == pytest.approx(stated, rel=1e-12), (kind, metric)
                from_arrays.add(metric)
        others = set(outcome.metrics) - from_arrays
        assert all(
            name.startswith("num_") or "standard_error" in name or name.endswith("_in_range") for name in others
        ), (kind, others)
        assert outcome.metrics.keys() & set(TASK_KINDS[kind].metrics) <= from_arrays, kind
        judged = {metric for metric in from_arrays if not metric.startswith("num_")}
        assert all(map(TASK_KINDS[kind].has_metric, judged)), (kind, judged)


def test_the_mean_of_the_scores_is_the_metric_where_it_is_a_mean(outcomes):
    for kind, outcome in outcomes.items():
        metric = TASK_KINDS[kind].metrics[0]
        if metric in outcome.items:
            assert outcome.scores.tolist() == outcome.items[metric].tolist(), kind
        else:
            assert kind in ("heldout_mlm", "regression")


def test_questions_of_an_article_are_a_cluster_and_passages_where_there_is_one_article():
    assert span_outcome().clusters == ["Run", "Run", "Sit"]
    task = TaskOptions("task", "span_qa", metric="f1", unanswerable=True)
    for titles in (("one", "one", "one"), ("", "", "")):
        same = spans([(*row[:3], title) for row, title in zip(ARTICLES, titles, strict=True)])
        again = SpanExample("q4", "When?", same[0].context, (), titles[0])
        clusters = span_qa.score([*same, again], [SpanAnswer("")] * 4, task).clusters
        assert clusters[0] == clusters[3]
        assert len(set(clusters)) == 3


def test_pairs_of_a_premise_and_questions_on_a_passage_are_clusters():
    for outcome in (class_outcome(), choice_outcome()):
        first, second, third = outcome.clusters
        assert first == second != third
    examples = [TextExample(name, ("same",), 0) for name in "ab"]
    task = TaskOptions("task", "classification", metric="accuracy", **PAIRS)
    assert classification.score(examples, [0, 1], task).clusters == ["a", "b"]


def test_subsets_do_not_count_elsewhere():
    items = span_outcome().items
    assert np.isnan(items["has_answer_f1"]).tolist() == [False, False, True]
    assert np.isnan(items["no_answer_f1"]).tolist() == [True, True, False]


@pytest.mark.parametrize(("title", "article"), [("  Ann ", "Ann"), (None, ""), (7, "")])
def test_a_title_is_read_where_a_publisher_gives_one(tmp_path, task_of, title, article):
    question = {"id": "q", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}]}
    data = {"title": title, "paragraphs": [{"context": "Ann ran.", "qas": [question]}]}
    (tmp_path / "dev.json").write_text(json.dumps({"data": [data]}))
    assert read_task(task_of("span_qa", tmp_path, None, "dev.json"), "dev")[0].article == article
