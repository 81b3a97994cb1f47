"""The training benchmark runs, and its figures are of the work that it says."""

import json
import re

import pytest


@pytest.fixture(scope="module")
def benchmark(benchmark_module):
    return benchmark_module("training")


@pytest.fixture
def report(benchmark, tmp_path, capsys):
    benchmark.main(["--quick", "--formats", "sentence_pair,full", "--output", str(tmp_path)])
    assert "sentence_pair" in capsys.readouterr().out
    return json.loads((tmp_path / "training-cpu.json").read_text()), (tmp_path / "training-cpu.md").read_text()


def test_a_quick_run_writes_a_row_a_cell(report):
    figures, table = report
    assert [(cell["model"], cell["format"]) for cell in figures["cells"]] == [
        ("tiny", "sentence_pair"),
        ("tiny", "full"),
    ]
    assert re.fullmatch(r"([0-9a-f]{40})?( with changes)?", figures["machine"]["commit"])
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert len({row.count("|") for row in rows}) == 1
    for cell in figures["cells"]:
        assert cell["tokens_per_second"].keys() >= {"ours", "transformers, bare loop"}
        assert all(0 < share < 1 for share in cell["share_of_peak"].values())
        assert all(0.05 < share < 0.25 for share in cell["predicted_share"].values())
        assert cell["times_bare_loop"] > 0


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair", "full", "doc"])
def test_all_implementations_read_the_same_samples(benchmark, name):
    from training_arms import _collator
    from training_streams import make_stream

    from nsp_ablation.samples.batches.loader import micro_batch_loader

    stream = make_stream(name, 200, 32, 256)
    parts = {"first_step": 0, "max_steps": 3, "accumulation": 1, "num_workers": 0}
    batches = list(micro_batch_loader(stream.plan, stream.store, stream.frame, stream.masks, **parts))
    samples, collate = stream.samples(3), _collator(stream)
    for step, batch in enumerate(batches):
        rows = samples[step * stream.rows : (step + 1) * stream.rows]
        assert [len(row["input_ids"]) for row in rows] == batch.sequence_offsets.diff().tolist()
        padded = collate(rows)
        assert padded["attention_mask"].sum() == batch.num_tokens
        assert padded["token_type_ids"][padded["attention_mask"] == 1].tolist() == batch.token_type_ids.tolist()
        predicted = padded["labels"] != -100
        assert not (predicted & (padded["attention_mask"] == 0)).any()
        if name in ("segment_pair", "sentence_pair"):
            assert padded["next_sentence_label"].tolist() == batch.pair_labels.tolist()
