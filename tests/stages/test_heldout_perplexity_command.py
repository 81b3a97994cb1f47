"""Row 18 of the open points: one held-out set, one format, one mask for every arm."""

import json

import pytest


@pytest.mark.slow
def test_every_arm_reads_the_same_heldout_inputs_whatever_its_format_and_masking(nsp, tmp_path):
    cells = ("format=full,sentence_pair", "masking=static,dynamic", "seed=1,2", "tasks=[heldout_mlm]")
    ended = nsp("-m", "scale=smoke", "name=heldout", *cells)
    assert ended.status == 0, ended.err
    records = [json.loads(path.read_text()) for path in (tmp_path / "results/heldout/records").glob("*.json")]
    assert len(records) == 8 + 2  # and the untrained encoder of each seed
    assert len({record["examples_sha256"] for record in records}) == 1
    assert len({record["metrics"]["num_predictions"] for record in records}) == 1
    trained = [record["metrics"]["perplexity"] for record in records if record["arm"] == "trained"]
    assert len(set(trained)) == 8
    assert "ppl" in (tmp_path / "results/heldout/report/table.md").read_text()
