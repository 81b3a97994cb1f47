"""Pools: what stands together in a cell, and what must not."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.arm_labels import arm_labels
from nsp_ablation.reporting.analysis.pooled_scores import collect
from nsp_ablation.reporting.analysis.score_basis import ScoreBasis, unequal, unequal_starts
from nsp_ablation.reporting.analysis.study import load_study
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.records.record import Condition

CONDITION = Condition("doc", "doc", "mlm", "dynamic", None, "paper", "bbpe", "laptop", 128, 16, 3500, 3e-3, "jsonl")
NOT_SCIENCE = frozenset({"seed", "trainer.devices"})


def collected(results):
    return collect(results.folder.all())


def only_pool(results):
    (pool,) = collected(results).pools.values()
    return pool


def labels(results):
    study = load_study(results.folder.path, "study", ReportOptions(), NOT_SCIENCE)
    return [study.labels[arm] for arm in study.scores.arms]


def test_fine_tuning_seeds_are_averaged_within_each_pretraining_seed(results):
    for seed, fine, score in ((1, 1, 0.5), (1, 2, 0.7), (2, 1, 0.1)):
        results.add(score=score, seed=seed, fine=fine)
    pool = only_pool(results)
    np.testing.assert_allclose(pool.seed_scores("f1"), [0.6, 0.1])
    assert pool.num_finetuning_seeds() == 2


def test_unequal_science_is_never_pooled(results):
    results.add(score=0.5, seed=1, science="a")
    results.add(score=0.9, seed=2, science="b")
    scores = collected(results)
    assert len(scores.arms) == 2
    assert sorted(pool.seed_scores("f1").tolist() for pool in scores.pools.values()) == [[0.5], [0.9]]
    assert len(set(labels(results))) == 2


def test_other_examples_are_never_pooled_and_the_newest_stand_in_the_table(results):
    results.add(score=0.5, seed=1, examples=("old",), provenance={"time": "2026-01-01T00:00:00+00:00"})
    results.add(score=0.9, seed=2, examples=("new",), provenance={"time": "2026-02-01T00:00:00+00:00"})
    scores = collected(results)
    assert [pool.seed_scores("f1").tolist() for pool in scores.pools.values()] == [[0.9]]
    assert [pool.seed_scores("f1").tolist() for pool in scores.set_aside] == [[0.5]]
    (warning,) = scores.warnings
    assert set(results.folder.ids()) - set(warning.replace(",", " ").split()) == {scores.all_pools()[0].records[0].id}
    assert warning.endswith("(other examples)")


def other(results, time, **over):
    """Add a record with accuracy .5 on MNLI, seed 1, or as `over` has it, in the month `time`."""
    settings = {"kind": "classification", "labels": ["a", "b"], "label_column": "label"} | over.pop("settings", {})
    config = {"seed": 1, "objective": "mlm", "tasks": {"mnli": settings}}
    provenance = {"time": f"2026-{time:02}-01T00:00:00+00:00"}
    fields = {"science": "s", "config": config, "provenance": provenance} | over
    return results.add("mnli", 0.5, **{"seed": time, **fields})


UNEQUAL = {
    "schema": ({"schema": 3}, "schema 3, which had no clusters, and a later one"),
    "examples": ({"examples": ("e2", "e1")}, "other examples"),
    "clusters": ({"clusters": ["c", "c"]}, "other clusters of the same examples"),
    "settings": ({"settings": {"labels": ["b", "a"]}}, r"tasks.mnli.labels ['b', 'a'] and ['a', 'b']"),
    "files": ({"made_from": ["stores/0", "baselines/1"]}, "other files of the task"),
    "metric": ({"primary": "matthews"}, "metric matthews and accuracy"),
}


@pytest.mark.parametrize(("over", "reason"), UNEQUAL.values(), ids=UNEQUAL)
def test_results_on_another_basis_are_never_pooled_and_named(results, over, reason):
    others = [other(results, 1, **over), other(results, 2, **over)]
    newest = [other(results, 3), other(results, 4)]
    scores = collected(results)
    (pool,) = scores.pools.values()
    assert {record.id for record in pool.records} == set(newest)
    assert [{record.id for record in one.records} for one in scores.set_aside] == [set(others)]
    (warning,) = scores.warnings
    assert warning.startswith("mnli: ")
    assert warning.endswith(f": {', '.join(sorted(others))} ({reason})")


def test_what_a_task_of_the_same_settings_is_called_is_no_other_basis(results):
    for time, title in enumerate(("MNLI", "MNLI-m", None), start=1):
        other(results, time, settings={"title": title, "path": f"/data/{title}"})
    assert len(only_pool(results).records) == 3
    assert collected(results).warnings == []


def test_arms_that_begin_apart_are_named_by_what_they_begin_from():
    config = {
        "seed": 1,
        "format": {"name": "full"},
        "model": {"hidden_size": 96, "num_threads": 1},
        "tokenizer": {"name": "bbpe"},
        "corpus": {"seed": 1, "path": "x"},
        "max_length": 64,
    }
    same = config | {"format": {"name": "doc"}, "seed": 2, "model": {"hidden_size": 96, "num_threads": 4}}
    not_science = frozenset({"model.num_threads", "corpus.path"})
    assert unequal_starts(config, same | {"corpus": {"seed": 1, "path": "y"}}, not_science) == []
    other = config | {"tokenizer": {"name": "wordpiece", "lowercase": True}, "max_length": 96}
    assert unequal_starts(config, other, not_science) == [
        *("tokenizer.name bbpe and wordpiece", "max_length 64 and 96", "tokenizer.lowercase None and True"),
    ]


@given(st.data())
def test_a_basis_differs_from_itself_in_nothing_and_from_another_in_something(data):
    fields = {
        "has_items": st.booleans(),
        "metric": st.sampled_from(["f1", "accuracy"]),
        **dict.fromkeys(("examples", "clusters", "files"), st.sampled_from(["x", "y", None])),
        "settings": st.sampled_from([(), (("kind", "a"),), (("kind", "b"),)]),
    }
    first, second = (ScoreBasis(**{name: data.draw(values) for name, values in fields.items()}) for _ in "ab")
    assert unequal(first, first) == []
    assert bool(unequal(first, second)) == (first != second)
    assert len(unequal(first, second)) == len(unequal(second, first))


@pytest.mark.parametrize("newest", [0, 1, 2])
def test_of_results_with_the_same_seeds_the_newest_counts_whatever_its_name(results, newest):
    for number in range(3):
        time = f"2026-0{1 + (number - newest - 1) % 3}-01T00:00:00+00:00"
        results.add(score=0.5 + number / 10, path=f"path{number}", provenance={"time": time})
    assert only_pool(results).seed_scores("f1").tolist() == [0.5 + newest / 10]
    assert "newest used" in collected(results).warnings[0]


def test_a_failed_record_never_becomes_a_number(results):
    results.add(score=0.5, seed=1)
    results.add(seed=2, status="failed")
    pool = only_pool(results)
    assert pool.seed_scores("f1").tolist() == [0.5]
    assert pool.num_failed == 1


def test_a_probe_has_no_fine_tuning_seed(results):
    results.add("in_context_recall", 0.7, fine=None)
    assert only_pool(results).num_finetuning_seeds() == 0


def test_an_external_encoder_that_failed_early_belongs_to_its_row(results):
    results.add("squad1", 0.5, arm="external", seed=None, path="bert-base-uncased")
    results.add("mnli", arm="external", seed=None, path="bert-base-uncased", status="failed")
    key = next(key for key in results.folder.ids() if "mnli" in key)
    record = replace(results.folder.read(key), encoder=None, config={"encoder": "bert-base-uncased"})
    results.folder.write_failed(key, record)
    assert len(collected(results).arms) == 1


def test_arms_stand_in_the_papers_order(full_study):
    assert labels(full_study) == [
        "SEGMENT-PAIR + NSP",
        "SENTENCE-PAIR + NSP",
        "FULL-SENTENCES",
        "DOC-SENTENCES",
        "untrained encoder",
    ]


def test_tasks_stand_in_the_papers_order(full_study):
    full_study.add("zebra", 0.5)
    tasks = ["squad1", "squad2", "mnli", "sst2", "race", "in_context_recall", "zebra"]
    assert collected(full_study).tasks == tasks


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"masking": "static", "copies": 10}, {}, ["FULL-SENTENCES, static ×10", "FULL-SENTENCES, dynamic"]),
        ({"updates": 2000}, {"updates": 4000}, ["FULL-SENTENCES, 2,000 updates", "FULL-SENTENCES, 4,000 updates"]),
        ({"learning_rate": 1e-3}, {}, ["FULL-SENTENCES, lr 0.001", "FULL-SENTENCES, lr 0.003"]),
        ({"format": "segment_pair"}, {"format": "segment_pair", "objective": "mlm_nsp"},
         ["SEGMENT-PAIR + NSP", "SEGMENT-PAIR, no NSP"]),
    ],
)  # fmt: skip
def test_labels_say_what_varies(results, first, second, expected):
    for condition in (first, second):
        results.add(condition=condition)
    assert labels(results) == expected


def test_labels_of_equal_conditions_name_the_setting_that_differs(results):
    for probability in (0.15, 0.25):
        config = {"masking": {"probability": probability}, "trainer": {"devices": probability}, "seed": probability}
        results.add(science=str(probability), config=config)
    assert labels(results) == [f"FULL-SENTENCES [masking.probability={value}]" for value in (0.15, 0.25)]


def test_labels_of_equal_conditions_are_their_names_where_these_differ(results):
    for name in ("segment_pair", "segment_pair-nsp_balance=exact"):
        condition = {"name": name, "format": "segment_pair"}
        results.add(science=name, condition=condition, config={"format": {"nsp_balance": name}})
    expected = ["segment_pair", "segment_pair-nsp_balance=exact"]
    assert labels(results) == [f"SEGMENT-PAIR, no NSP [{name}]" for name in expected]


def add_arm(results, name="doc", **settings):
    """Add a record of a condition with settings of the model: those of most arms unless said."""
    usual = {"wide": True, "deep": True, "heads": 4, "width": 96}
    model = usual | settings
    config = {"model": model, "format": {"random_next": name == "segment_pair_mlm"}, "seed": len(results.folder.ids())}
    condition = {"name": name, "format": "doc" if name == "doc" else "segment_pair"}
    results.add(science=f"{name} {model}", condition=condition, config=config)


def test_of_a_setting_that_most_arms_have_alike_the_others_are_named_and_stand_behind(results):
    for settings in ({"wide": False, "deep": False}, {"heads": 8}, {}):
        for name in ("segment_pair_mlm", "segment_pair_contiguous", "doc"):
            add_arm(results, name, **settings)
    add_arm(results, "doc", wide=False, deep=False, heads=8)
    add_arm(results, "doc", wide=False, deep=False, heads=8, width=64)
    pair = "SEGMENT-PAIR, no NSP [segment_pair_"
    assert labels(results) == [
        f"{pair}contiguous]",
        f"{pair}contiguous, model.deep=false, model.wide=false]",
        f"{pair}contiguous, model.heads=8]",
        f"{pair}mlm]",
        f"{pair}mlm, model.deep=false, model.wide=false]",
        f"{pair}mlm, model.heads=8]",
        "DOC-SENTENCES",
        "DOC-SENTENCES [model.deep=false, model.heads=8, model.wide=false]",
        "DOC-SENTENCES [model.deep=false, model.heads=8, model.wide=false, model.width=64]",
        "DOC-SENTENCES [model.deep=false, model.wide=false]",
        "DOC-SENTENCES [model.heads=8]",
    ]


def test_where_two_conditions_have_one_label_all_of_their_kind_are_named(results):
    for name, updates in (("segment_pair_mlm", 4000), ("segment_pair_contiguous", 4000), ("segment_pair_mlm", 3970)):
        condition = {"name": name, "format": "segment_pair", "updates": updates}
        results.add(science=f"{name} {updates}", condition=condition, config={"format": {"name": name}})
    pair = "SEGMENT-PAIR, no NSP"
    assert labels(results) == [
        f"{pair}, 3,970 updates [segment_pair_mlm]",
        f"{pair}, 4,000 updates [segment_pair_contiguous]",
        f"{pair}, 4,000 updates [segment_pair_mlm]",
    ]


def test_a_setting_that_older_records_lack_names_no_arm_unless_nothing_else_does(results):
    for probability, extra in ((0.15, {}), (0.25, {"hashes": 8}), (0.35, {"hashes": 8})):
        config = {"masking": {"probability": probability}, "corpus": extra, "seed": 1}
        results.add(science=f"{probability}", config=config)
    assert labels(results) == [f"FULL-SENTENCES [masking.probability={value}]" for value in (0.15, 0.25, 0.35)]
    for number, extra in enumerate(({}, {"hashes": 8})):
        config = {"masking": {"probability": 0.45}, "corpus": extra, "seed": 1}
        results.add(science=f"{number}", config=config, condition={"format": "doc"})
    assert labels(results)[3:] == ["DOC-SENTENCES", "DOC-SENTENCES [corpus.hashes=null]"]


@given(st.lists(st.sampled_from(("usual", "wide", "deep", "heads")), unique=True, min_size=1), st.randoms())
def test_no_two_arms_have_one_label_in_whatever_order_they_come(varied, random):
    """Each label is unique and the same in every order; an arm is never called by a value that it does not have."""
    configs = {}
    for number, values in enumerate(itertools.product((True, False), repeat=len(varied))):
        settings = dict(zip(varied, values, strict=True))
        configs[StudyArm("trained", str(number), None, None, CONDITION)] = {"model": settings}
    found = arm_labels(configs)
    assert len({*found.values()}) == len(configs)
    mixed = [*configs]
    random.shuffle(mixed)
    assert arm_labels({arm: configs[arm] for arm in mixed}) == found
    for arm, label in found.items():
        for key, value in re.findall(r"model\.(\w+)=(\w+)", label):
            assert str(configs[arm]["model"][key]).lower() == value


def test_two_names_of_one_science_are_one_arm(results):
    for seed, name in enumerate(("dynamic", "segment_pair_nsp")):
        results.add(seed=seed, science="s", condition={"name": name})
    assert len(only_pool(results).seed_scores("f1")) == 2


def test_no_arms_have_no_labels():
    assert arm_labels({}) == {}
