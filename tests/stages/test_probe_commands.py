"""The zero-shot probes by name, through the command line: records, columns, and files that cannot be read."""

import csv
import json

PAIR = {"sentence_good": "The dog sleeps.", "sentence_bad": "The dog sleep.", "UID": "agreement", "pairID": "0",
        "linguistics_term": "subject_verb_agreement"}  # fmt: skip
CELL = ("scale=smoke", "name=probes", "tasks=[context_gain,blimp]", "tasks.blimp.path=pairs")


def test_probes_are_recorded_and_have_columns(nsp, tmp_path, smoke_artifacts):
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs/agreement.jsonl").write_text(json.dumps(PAIR))
    ended = nsp(*CELL, smoke_artifacts)
    assert ended.status == 0, ended.err
    records = [json.loads(path.read_text()) for path in (tmp_path / "results/probes/records").glob("*.json")]
    assert sorted((record["task"], record["arm"]) for record in records) == [
        (task, arm) for task in ("blimp", "context_gain") for arm in ("random", "trained")
    ]
    assert all(record["finetuning_seed"] is None for record in records)
    backends = {(record["arm"], record["provenance"]["attention_backend"]) for record in records}
    after = "sdpa, length groups"
    assert backends == {("random", after), ("trained", f"pre-training: {after}; after it: {after}")}
    assert {record["chance"] for record in records if record["task"] == "blimp"} == {0.5}
    with open(tmp_path / "results/probes/report/table.csv") as file:
        rows = {(row["arm"], row["task"], row["metric"]): float(row["mean"]) for row in csv.DictReader(file)}
    for record in records:
        value = record["metrics"][record["primary_metric"]]
        scale = 100 if record["task"] == "blimp" else 1  # gains are in nats
        assert abs(rows[record["arm"], record["task"], record["primary_metric"]] - scale * value) < 1e-6
    table = (tmp_path / "results/probes/report/table.md").read_text()
    assert "Context gain, nats" in table
    assert "BLiMP acc." in table
    # other files are another task
    (tmp_path / "pairs/agreement.jsonl").write_text(json.dumps(PAIR) + "\n{")
    failed = nsp(*CELL, smoke_artifacts)
    assert failed.status != 0
    assert "agreement.jsonl: line 2 is not JSON" in failed.err
