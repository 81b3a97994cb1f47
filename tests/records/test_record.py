"""Records: equal after writing and reading, strict about every field."""

import hashlib
import json
from dataclasses import asdict, fields, replace

import pytest

from nsp_ablation.reporting.records.record import (
    Condition,
    Provenance,
    ResultRecord,
    parse,
    record_id,
)
from nsp_ablation.reporting.records.training_facts import PlateauFacts, PretrainingFacts

CONDITION = Condition("full", "full", "mlm", "static", 10, "paper", "bbpe", "micro", 96, 32, 7000, 3e-3, "microworld")
PRETRAINING = PretrainingFacts(
    *(7000, 14_000_000, 0, 224_000, 2_100_000, None, 9.5, 0, 13_000_000, 500_000, 4_000_000, None, 2.2, None, 140.5),
    device="cpu x",
    plateau=PlateauFacts(6.5, 5.5, 350, 700_000),
)
PROVENANCE = Provenance(
    "abc", True, "3.11.9", "Linux", {"torch": "2.13.0"}, "cpu x", "sdpa", "2026-11-24T10:00:00+00:00"
)
CONTRACT = (
    "schema id digest name arm condition science card pretraining_seed finetuning_seed task status reason metrics "
    "primary_metric chance majority bag_of_words num_examples examples_sha256 scores_sha256 ids_sha256 items_sha256 "
    "predictions_sha256 omitted pretraining finetuning encoder made_from origin config provenance private"
)


def make_record(**over):
    record = ResultRecord(
        name="adhoc",
        arm="trained",
        condition=CONDITION,
        science="0123456789abcdef",
        pretraining_seed=1,
        finetuning_seed=2,
        task="squad1",
        status="done",
        metrics={"f1": 0.75, "exact_match": 0.5},
        primary_metric="f1",
        num_examples=2,
        examples_sha256="e",
        scores_sha256="s",
        ids_sha256="i",
        items_sha256="t",
        predictions_sha256="p",
        pretraining=PRETRAINING,
        config={"seed": 1, "format": {"name": "full"}},
        provenance=PROVENANCE,
    )
    return replace(record, **over).sealed("x")


def test_reading_returns_what_was_written():
    record = make_record()
    assert ResultRecord.from_json(asdict(record), "x.json") == record


def test_fields_are_those_of_the_contract():
    assert [field.name for field in fields(ResultRecord)] == CONTRACT.split()
    assert list(asdict(make_record())) == CONTRACT.split()


@pytest.mark.parametrize(
    "path", [("task",), ("condition", "copies"), ("pretraining", "passes"), ("provenance", "dirty")]
)
def test_a_missing_field_is_named_with_its_file(path):
    data = asdict(make_record())
    holder = data if len(path) == 1 else data[path[0]]
    del holder[path[-1]]
    with pytest.raises(ValueError, match=rf"x\.json: missing field {'.'.join(path)}"):
        ResultRecord.from_json(data, "x.json")


@pytest.mark.parametrize("path", [("surprise",), ("condition", "surprise")])
def test_an_unknown_field_is_named_with_its_file(path):
    data = asdict(make_record())
    (data if len(path) == 1 else data[path[0]])["surprise"] = 1
    with pytest.raises(ValueError, match=rf"x\.json: unknown field {'.'.join(path)}"):
        ResultRecord.from_json(data, "x.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task", 3),
        ("pretraining_seed", "1"),
        ("pretraining_seed", True),
        ("metrics", {"f1": "high"}),
        ("condition", None),
    ],
)
def test_a_wrong_type_is_named(name, value):
    data = asdict(make_record()) | {name: value}
    with pytest.raises(ValueError, match=rf"x\.json: {name}="):
        ResultRecord.from_json(data, "x.json")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"status": "failed", "reason": "diverged"}, "failed with metrics"),
        ({"status": "failed", "metrics": None}, "without a reason"),
        ({"status": "running"}, "status=running"),
        ({"arm": "other"}, "arm=other"),
        ({"primary_metric": "accuracy"}, "primary_metric=accuracy"),
        ({"scores_sha256": None}, "scores_sha256"),
        ({"schema": 1}, "schema=1, .*run its cell again"),
        ({"schema": 2}, "schema=2, .*run its cell again"),
        ({"schema": 6}, "schema=6, .*update this program"),
        ({"ids_sha256": None}, "ids_sha256"),
        ({"items_sha256": None}, "items_sha256"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(over, words):
    with pytest.raises(ValueError, match=words):
        ResultRecord.from_json(asdict(make_record(**over)), "x.json")


def leaves(value, path=()):
    """Return the paths of all values in JSON values that are no list or object."""
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    return [path]


@pytest.mark.parametrize("path", leaves(asdict(make_record(omitted={"logger": "died"}, private={"host": "h"}))))
def test_no_value_of_a_record_can_be_changed_by_hand(path):
    data = asdict(make_record(omitted={"logger": "died"}, private={"host": "h"}))
    *parents, name = path
    holder = data
    for parent in parents:
        holder = holder[parent]
    value = holder[name]
    holder[name] = not value if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else "other"
    with pytest.raises(ValueError, match=r"^x\.json"):
        ResultRecord.from_json(data, "x.json")


def test_the_digest_is_that_of_canonical_json():
    data = asdict(make_record())
    digest = data.pop("digest")
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(canonical.encode()).hexdigest()
    assert ResultRecord.from_json({"digest": digest} | dict(reversed(data.items())), "x.json") == make_record()


def test_an_object_is_expected():
    with pytest.raises(ValueError, match=r"x\.json: the file must be an object"):
        ResultRecord.from_json([], "x.json")


def test_pretraining_block_can_be_read_alone():
    data = asdict(make_record())["pretraining"]
    assert parse(PretrainingFacts, data, "pretraining.json") == PRETRAINING


def name_of(arm="trained", condition=CONDITION, task="squad1", seed=1, fine=2, **over):
    identity = {"science": "s", "encoder": "e", "content": "t"} | over
    return record_id(arm, condition, task, seed, fine, **identity)


def test_ids_read_as_what_they_name():
    assert name_of().startswith("full-mlm-static_x10-squad1-p1-f2-")
    assert name_of("random").startswith("random-micro-squad1-p1-f2-")
    assert name_of("external", seed=None, encoder="google/bert-base-uncased").startswith(
        "external-bert_base_uncased-squad1-f2-"
    )
    assert name_of(task="in_context_recall", fine=None).startswith("full-mlm-static_x10-in_context_recall-p1-")
    assert len(name_of().rsplit("-", 1)[1]) == 8


def test_ids_differ_wherever_results_do():
    changed = [
        name_of(),
        name_of(seed=2),
        name_of(fine=1),
        name_of(task="squad2"),
        name_of(science="other"),
        name_of(encoder="other"),
        name_of(content="other"),
        name_of(condition=replace(CONDITION, copies=1)),
    ]
    assert len(set(changed)) == len(changed)
