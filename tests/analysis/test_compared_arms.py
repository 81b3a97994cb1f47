"""Which arms the names of a planned comparison stand for, where several have a name, or the one that has it failed."""

import itertools

import pytest

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report

STATIC = {"masking": "static", "copies": 1, "name": "static"}
STATIC_X10 = {"masking": "static", "copies": 10, "name": "static_x10"}
# as the records of an untrained encoder have it: the name is that of the cell that made it
UNTRAINED = dict.fromkeys(("format", "objective", "masking", "copies", "budget", "updates", "batch", "learning_rate"))


def family(results, *pairs, **options):
    """(a, b, difference in points) of each planned comparison."""
    planned = [pair if isinstance(pair, ComparisonOptions) else ComparisonOptions(*pair) for pair in pairs]
    report = load_report(results.folder.path, "study", ReportOptions(comparisons=planned, **options))
    rows = [one.csv_row() for one in report.comparisons if one.is_primary]
    return [(row["a"], row["b"], row["difference"]) for row in rows]


@pytest.fixture
def rates(results):
    """Two batches at two learning rates; the score tells which: .1 x batch + .01 per thousandth of the rate."""
    for batch, rate in itertools.product((1, 4), (1e-3, 3e-3)):
        name = "full" if batch == 1 else f"full_batch_x{batch}"
        results.add(score=0.1 * batch + 10 * rate, condition={"name": name, "batch": batch, "learning_rate": rate})
    return results


def test_a_name_that_several_arms_have_is_narrowed_to_one(rates):
    a, b = "full_batch_x4@learning_rate=3e-3", "full@learning_rate=0.001"
    assert family(rates, (a, b)) == [(a, b, pytest.approx(32.0))]
    ours, theirs = "full@batch=4, learning_rate=1e-3", "full@batch=1,learning_rate=3e-3"
    assert family(rates, (ours, theirs)) == [(ours, theirs, None)], "no arm has this name and this batch"
    within = ("full@learning_rate=1e-3", "full@learning_rate=3e-3")
    assert family(rates, within) == [(*within, pytest.approx(-2.0))]


def test_a_name_that_is_not_narrowed_stands_for_each_arm_against_its_counterpart(rates):
    assert sorted(difference for *_, difference in family(rates, ("full_batch_x4", "full"))) == pytest.approx([30, 30])
    labels = ("FULL-SENTENCES, batch 4, lr 0.003", "FULL-SENTENCES, batch 1, lr 0.003")
    assert family(rates, ("full_batch_x4@learning_rate=3e-3", "full")) == [(*labels, pytest.approx(30.0))]


def test_texts_narrow_as_numbers_do(results):
    for tokenizer, score in (("bbpe", 0.2), ("wordpiece", 0.5)):
        for name in ("full", "doc"):
            condition = {"format": name, "tokenizer": tokenizer}
            results.add(score=score + (0.1 if name == "doc" else 0), condition=condition)
    names = ("doc@tokenizer=wordpiece,format=doc", "full@tokenizer=bbpe")
    assert family(results, names) == [(*names, pytest.approx(40.0))]


def test_arms_that_differ_beside_their_condition_meet_their_counterparts_alone(results):
    """Dropout is no part of a condition, so nothing of it tells the arms of a sweep over dropout apart."""
    for (name, score), dropout in itertools.product((("full", 0.2), ("doc", 0.5)), (0.1, 0.2)):
        config = {"model": {"dropout": dropout}, "format": {"name": name}}
        results.add(score=score + dropout, condition={"format": name}, config=config, science=f"{name}{dropout}")
    assert [difference for *_, difference in family(results, ("doc", "full"))] == pytest.approx([30, 30])


def test_settings_that_an_older_record_lacks_keep_it_from_no_counterpart(results):
    """The plain doc is of an older version without three settings; another has them, and another dropout."""
    new = {"a": 1, "b": 2, "c": 3}
    results.add(score=0.2, config={"model": {"dropout": 0.1}, "corpus": new}, science="full")
    for dropout, score, corpus in ((0.1, 0.5, {}), (0.2, 0.6, new)):
        config = {"model": {"dropout": dropout}, "corpus": corpus}
        results.add(score=score, condition={"format": "doc"}, config=config, science=f"{dropout}")
    assert [difference for *_, difference in family(results, ("doc", "full"))] == pytest.approx([30])


def test_an_untrained_encoder_stands_in_for_no_arm_that_failed(results):
    results.add(condition={"name": "full"}, status="failed")
    results.add(score=0.1, arm="random", condition=UNTRAINED | {"name": "full"})
    results.add(score=0.6, condition={"format": "doc"})
    assert family(results, ("full", "doc"), ("doc", "random")) == [
        ("full", "doc", None),
        ("doc", "random", pytest.approx(50.0)),
    ]


def test_a_tokenizer_names_trained_arms_and_not_the_untrained_ones_beside_them(results):
    for tokenizer, score in (("bbpe", 0.4), ("wordpiece", 0.5)):
        results.add(score=score, condition={"tokenizer": tokenizer})
        results.add(score=0.1, arm="random", condition=UNTRAINED | {"name": "full", "tokenizer": tokenizer})
    assert family(results, ("bbpe", "wordpiece")) == [("bbpe", "wordpiece", pytest.approx(-10.0))]


def test_an_arm_that_meets_itself_meets_not_the_untrained_encoder_beside_it(results):
    for seed in (1, 2, 3, 4):
        results.add(score=0.1 * seed, seed=seed)
        results.add(score=0.1, seed=seed, arm="random", condition=UNTRAINED | {"name": "full"})
    plan = ComparisonOptions("full", "full", seeds_a=[1, 2], seeds_b=[3, 4])
    assert family(results, plan) == [("full (seeds 1 2)", "full (seeds 3 4)", pytest.approx(-20.0))]


def test_an_arm_that_failed_throughout_is_replaced_by_none_of_a_like_name(results):
    """`static` is a condition and a masking, which `static_x10` has, too."""
    results.add(condition=STATIC, status="failed")
    results.add(score=0.4, condition=STATIC_X10)
    results.add(score=0.5, condition={"name": "dynamic"})
    assert family(results, ("static", "dynamic"), ("static_x10", "dynamic")) == [
        ("static", "dynamic", None),
        ("static_x10", "dynamic", pytest.approx(-10.0)),
    ]


def test_a_slash_makes_a_name_that_of_an_encoder(results):
    path = "org/bert@base=2"
    config = {"encoder": path}
    results.add(score=0.9, arm="external", condition=dict.fromkeys(UNTRAINED), path=path, config=config)
    results.add(score=0.5)
    assert family(results, (path, "full")) == [(path, "full", pytest.approx(40.0))]
