"""Tables: every number where it belongs, and nothing that was not measured."""

import csv
import io
import re

import numpy as np
import pytest
from scipy.stats import sem, t

from nsp_ablation.options.output_options import PUBLISHED, ReportOptions
from nsp_ablation.reporting.analysis.caption import MICROWORLD_NOTE
from nsp_ablation.reporting.analysis.columns import Column, columns_of, task_title
from nsp_ablation.reporting.analysis.crossed_variance import estimate, means_of_sums
from nsp_ablation.reporting.analysis.intervals import limits
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.analysis.published import read_tables
from nsp_ablation.reporting.analysis.study import load_study
from nsp_ablation.reporting.render.comparison_tables import signed
from nsp_ablation.reporting.render.reading_table import latex_table
from nsp_ablation.reporting.render.table_files import lines_of, markdown_table, table_csv
from nsp_ablation.reporting.render.terminal import terminal_table

HEADER = (
    "arm,encoder,condition,format,objective,masking,copies,budget,tokenizer,model,batch,updates,corpus,science,task,metric,"
    "median,mean,low,high,interval,num_pretraining_seeds,num_finetuning_seeds,num_failed,published"
)
MICROWORLD = {"corpus": "microworld", "model": "micro"}


def report_of(results, **info):
    return load_report(results.folder.path, "study", ReportOptions(**info))


def published_of(results, **info):
    table = load_study(results.folder.path, "study", ReportOptions(**info)).published
    return table and table.title


def long_table(results, **info):
    return list(csv.DictReader(io.StringIO(table_csv(report_of(results, **info)))))


def caption_of(results, **info):
    return " ".join(report_of(results, **info).caption)


def row_of(report, label):
    (row,) = [row for section in report.sections for row in section.rows if row.label == label]
    return row


def test_csv_has_exactly_the_columns_of_the_contract(full_study):
    assert table_csv(report_of(full_study)).splitlines()[0] == HEADER
    assert table_csv(load_report(full_study.folder.path / "none", "study", ReportOptions())) == HEADER + "\n"


def test_csv_holds_percent_over_seeds(results):
    for seed, score in ((1, 0.5), (2, 0.6), (3, 0.9)):
        results.add(score=score, seed=seed)
    primary, second = long_table(results)
    assert (primary["metric"], second["metric"]) == ("f1", "exact_match")
    assert float(primary["median"]) == 60.0
    assert float(primary["mean"]) == pytest.approx(200 / 3)
    assert float(primary["low"]) < 200 / 3 < float(primary["high"])
    assert (primary["num_pretraining_seeds"], primary["num_finetuning_seeds"], primary["num_failed"]) == ("3", "1", "0")
    assert primary["published"] == "90.4"
    assert second["published"] == ""


def test_csv_cells_are_the_condition_as_text_and_null_is_empty(results):
    results.add(condition={"masking": "static", "copies": 10})
    row = long_table(results)[0]
    values = [row[name] for name in ("condition", "masking", "copies", "batch", "updates", "encoder", "interval")]
    assert values == ["full", "static", "10", "16", "3500", "", "examples"]


def test_csv_gives_gains_in_nats_and_counts_as_they_are(results):
    results.add("in_context_recall", 0.7, fine=None, metrics={"recall_gain": 0.52, "num_targets": 192.0})
    accuracy, number, gain = long_table(results)
    assert (accuracy["median"], gain["metric"], gain["median"]) == ("70.0", "recall_gain", "0.52")
    assert (number["metric"], number["median"]) == ("num_targets", "192.0")
    assert gain["num_finetuning_seeds"] == "0"


def test_csv_counts_failures_and_gives_them_no_number(results):
    results.add("race", status="failed")
    (row,) = long_table(results)
    assert [row[name] for name in ("median", "mean", "low", "high")] == [""] * 4
    assert (row["num_failed"], row["num_pretraining_seeds"]) == ("1", "0")


def test_csv_names_untrained_and_external_encoders(results):
    nothing = dict.fromkeys(("format", "objective", "masking", "copies", "budget", "updates"))
    results.add(arm="random", condition=nothing)
    results.add(arm="external", seed=None, path="org/bert-base-uncased", condition=nothing)
    rows = {row["arm"]: row for row in long_table(results) if row["metric"] == "f1"}
    assert rows["random"]["encoder"] == "random"
    assert [rows["random"][name] for name in nothing] == [""] * 6
    assert rows["external"]["encoder"] == "org/bert-base-uncased"
    assert rows["external"]["published"] == "88.5"


def test_points_are_all_there(full_study):
    rows = report_of(full_study).points
    assert sum(row["metric"] in ("f1", "accuracy") for row in rows) == 57
    assert {"arm": "FULL-SENTENCES", "task": "in_context_recall", "metric": "recall_gain", "pretraining_seed": 1,
            "finetuning_seed": None, "value": pytest.approx(0.25)} in rows  # fmt: skip


def test_reading_table_has_the_papers_columns_then_recall(full_study):
    columns = report_of(full_study).columns
    assert [column.title for column in columns] == [
        *("SQuAD 1.1", "SQuAD 2.0", "MNLI-m", "SST-2", "RACE"),
        *("Recall", "Recall"),
    ]
    assert [column.unit for column in columns][-2:] == ["acc.", "gain, nats"]


def test_a_failed_cell_reads_failed_and_a_partly_failed_one_is_marked(full_study):
    table = report_of(full_study)
    lines = lines_of(row_of(table, "SENTENCE-PAIR + NSP"), table.columns)
    texts = dict(zip([column.task for column in table.columns], lines[0][2], strict=False))
    assert texts["race"] == "failed"
    assert texts["sst2"].endswith("†")


def test_reference_rows_are_the_records(full_study):
    table = report_of(full_study)
    for label, value in (("chance", 0.25), ("majority", 0.3), ("bag of words", 0.4)):
        assert row_of(table, label).scores[0].summary.median == value
    assert row_of(table, "untrained encoder").scores[0].summary.median == pytest.approx(0.315)


def test_the_type_only_ceiling_is_shown_where_a_record_has_one(results):
    results.add(metrics={"type_only_ceiling": 0.75})
    assert row_of(report_of(results), "type-only ceiling").scores[0].summary.median == 0.75


def test_published_numbers_stand_beneath_their_arm_and_the_others_apart(full_study):
    table = report_of(full_study)
    assert [score.published for score in row_of(table, "FULL-SENTENCES").scores[:5]] == pytest.approx(
        [0.904, 0.791, 0.847, 0.925, 0.648]
    )
    assert row_of(table, "XLNet_BASE (K = 7)").scores[0].summary is None
    apart = [row.label for row in table.sections[-1].rows]
    assert apart == ["BERT_BASE", "XLNet_BASE (K = 7)", "XLNet_BASE (K = 6)"]


def test_no_published_number_stands_beside_the_microworld(results):
    results.add(condition=MICROWORLD)
    report = report_of(results, published="table2")
    assert not report.has_published
    assert [row["published"] for row in report.long_table] == [None, None]
    assert "published" not in markdown_table(report)
    assert MICROWORLD_NOTE in report.caption
    assert "do not show document-level reasoning" in MICROWORLD_NOTE


def test_the_layout_is_table_1_where_masking_alone_varies(results):
    results.add(condition={"format": "segment_pair", "objective": "mlm_nsp", "masking": "static", "copies": 10})
    assert published_of(results) == "table 2"
    results.add("mnli", condition={"format": "segment_pair", "objective": "mlm_nsp"})
    assert published_of(results) == "table 1"
    results.add(condition={"format": "full"})
    assert published_of(results) == "table 2"
    assert published_of(results, published="table3") == "table 3"
    assert published_of(results, published="none") is None
    with pytest.raises(ValueError, match="report.published=table9: no such table; allowed: none, table1, table2"):
        report_of(results, published="table9")


def test_static_masking_has_its_published_number_at_ten_copies_alone(results):
    pair = {"format": "segment_pair", "objective": "mlm_nsp"}
    for copies in (1, 10):
        results.add("mnli", 0.5 + copies / 100, condition={**pair, "masking": "static", "copies": copies})
    results.add("mnli", 0.9, condition=pair)
    published = {row["copies"]: row["published"] for row in report_of(results).long_table}
    assert published == {1: None, 10: 84.3, None: 84.0}


def test_published_tables_agree_where_the_paper_says_so():
    tables = read_tables()
    dynamic = next(row for row in tables["table1"].rows if row.label == "dynamic")
    segment_pair = tables["table2"].rows[0]
    assert all(segment_pair.scores[task] == score for task, score in dynamic.scores.items())
    lengths = {name: [len(row.scores) for row in table.rows] for name, table in tables.items()}
    assert lengths | {"table1": [3, 3, 3], "table2": [5, 5, 5, 5, 5, 4, 4], "table3": [2, 2, 2]} == lengths
    assert all(set(row.scores) <= set(table.metrics) for table in tables.values() for row in table.rows)


def test_a_published_row_is_one_line_of_one_file(results, tmp_path):
    text = (PUBLISHED / "table2.yaml").read_text()
    row = "  - {label: Ours, condition: {format: full, objective: mlm_nsp}, scores: {squad1: 12.5}}\n"
    (tmp_path / "table9.yaml").write_text(text + row)
    (tmp_path / "broken.yaml").write_text(text.replace("title:", "titel:"))
    with pytest.raises(ValueError, match=r"broken\.yaml is no published table: .*titel"):
        read_tables(tmp_path)
    (tmp_path / "broken.yaml").unlink()
    (table,) = read_tables(tmp_path).values()
    results.add(condition={"objective": "mlm_nsp"})
    (arm,) = load_study(results.folder.path, "study", ReportOptions()).scores.arms
    assert table.score(table.row_of(arm), "squad1", "f1") == 0.125


def test_one_seed_has_an_interval_over_examples_alone_and_the_caption_says_so(results):
    results.add(items={"f1": [0.2, 0.4, 0.9, 0.5]})
    (row, _) = long_table(results)
    expected = t.interval(0.95, 3, loc=50, scale=100 * sem([0.2, 0.4, 0.9, 0.5]))
    assert [float(row[name]) for name in ("low", "high")] == pytest.approx(list(expected))
    assert row["interval"] == "examples"
    assert "the interval is over examples alone and says nothing of other seeds" in caption_of(results)
    assert "1 pre-training seed × 1 fine-tuning seed" in caption_of(results)


def test_one_example_leaves_no_interval_and_the_caption_says_so(results):
    results.add(examples=("e1",))
    assert {row["interval"] for row in long_table(results)} == {"none"}
    assert "there are no intervals" in caption_of(results)


def test_the_interval_is_over_seeds_and_clusters_and_fine_tuning_seeds_come_first(results):
    rng, clusters = np.random.default_rng(1), ["a", "a", "b", "c", "c", "c"]
    values = rng.uniform(size=(3, 2, 6))
    for seed, by_fine in enumerate(values):
        for fine, row in enumerate(by_fine):
            results.add(seed=seed, fine=fine, items={"f1": row}, clusters=clusters)
    found = long_table(results)[0]
    by_seed = values.mean(axis=1)
    sizes = np.array([2.0, 1.0, 3.0])
    sums = np.stack([by_seed[:, :2].sum(axis=1), by_seed[:, 2], by_seed[:, 3:].sum(axis=1)], axis=1)
    low, high = limits(estimate(means_of_sums(sums, sizes), sizes))
    assert [float(found[name]) for name in ("mean", "low", "high")] == pytest.approx(
        [100 * by_seed.mean(), 100 * low, 100 * high], abs=1e-5
    )
    assert (found["interval"], found["num_finetuning_seeds"]) == ("seeds_examples", "2")


def test_a_metric_of_predictions_has_its_interval_from_the_jackknife(results):
    rng, metric = np.random.default_rng(2), {"accuracy": 0.5}
    for seed in (1, 2):
        loss, number = rng.gamma(2, 2, 30), np.full(30, 4.0)
        own = {"perplexity": float(np.exp(loss.sum() / number.sum()))}
        items = {"loss_sum": loss, "num_predictions": number}
        results.add("mnli", seed=seed, metrics=metric | own, items=items | {"accuracy": np.full(30, 0.5)})
    rows = {row["metric"]: row for row in long_table(results)}
    low, mean, high = (float(rows["perplexity"][name]) for name in ("low", "mean", "high"))
    assert low < mean < high
    assert rows["perplexity"]["interval"] == "seeds_examples"


def test_a_subset_is_over_its_own_examples_and_a_count_has_no_interval(results):
    some = np.array([0.5, np.nan, 1.0, np.nan, 0.0, 0.25])
    whole = np.linspace(0, 1, 6)
    results.add("mnli", metrics={"accuracy_in_range": float(np.nanmean(some)), "num_targets": 6.0},
                items={"accuracy": whole, "accuracy_in_range": some})  # fmt: skip
    rows = {row["metric"]: row for row in long_table(results)}
    kept = 100 * some[~np.isnan(some)]
    expected = t.interval(0.95, 3, loc=kept.mean(), scale=sem(kept))
    assert [float(rows["accuracy_in_range"][name]) for name in ("low", "high")] == pytest.approx(
        list(expected), abs=1e-4
    )
    assert rows["num_targets"]["interval"] == "none"


def test_caption_says_which_numbers_are_not_in_percent(results):
    results.add(score=0.5)
    assert caption_of(results).startswith("Development sets, in percent. ")
    results.add("context_gain", 0.2, primary="context_gain")
    assert caption_of(results).startswith("Development sets, in percent (gains in nats). ")
    results.add("heldout_mlm", 9.0, primary="perplexity")
    assert caption_of(results).startswith("Development sets, in percent (gains in nats, perplexity). ")


def test_caption_names_a_masked_share_that_is_not_the_papers(results):
    results.add(config={"masking": {"probability": 0.15}})
    assert "masked share" not in caption_of(results)
    results.add(condition={"format": "doc"}, config={"masking": {"probability": 0.25}})
    assert "masked share of the tokens (25%; paper: 15%)" in caption_of(results)


def test_caption_names_a_weight_of_the_loss_on_pairs_that_is_not_the_papers(results):
    """That of an arm without such a loss is none."""
    results.add(condition={"objective": "mlm"}, config={"pretraining": {"pair_loss_weight": 0.25}})
    nsp = {"format": "segment_pair", "objective": "mlm_nsp"}
    results.add(condition=nsp, config={"pretraining": {"pair_loss_weight": 1.0}})
    assert "weight of the loss" not in caption_of(results)
    results.add(condition={**nsp, "format": "sentence_pair"}, config={"pretraining": {"pair_loss_weight": 0.5}})
    assert "weight of the loss on pairs (0.5; paper: 1)" in caption_of(results)


def test_caption_names_a_run_that_ended_before_its_schedule(results):
    results.add(config={"pretraining": {"schedule_steps": None}})
    assert "before the learning rate" not in caption_of(results)
    results.add(condition={"format": "doc"}, config={"pretraining": {"schedule_steps": 9000}})
    assert "ended before the learning rate reached 0" in caption_of(results)


def test_caption_states_seeds_scale_and_what_differs_from_the_paper(full_study):
    text = caption_of(full_study)
    for words in (
        "1–2 pre-training seeds × 1 fine-tuning seed",
        "95 % interval of the mean, over seeds crossed with clusters of examples",
        "model laptop, T = 128, 3,500 updates, 16 sequences per update",
        "7 M real tokens",
        "corpus jsonl",
        "T (128; paper: 512)",
        "Failed runs: 3",
    ):
        assert words in text


def test_terminal_lines_fit_100_characters(full_study):
    for color in (False, True):
        text = terminal_table(report_of(full_study), 100, color)
        assert ("\x1b[" in text) == color
    plain = terminal_table(report_of(full_study), 100, False)
    assert max(map(len, plain.splitlines())) <= 100
    assert plain.count("FULL-SENTENCES") == plain.count("gain, nats") + 1 == 2


def test_columns_of_the_terminal_are_aligned(full_study):
    lines = terminal_table(report_of(full_study), 200, False).splitlines()
    ends = {line.index(score) + len(score) for line in lines for score in ("SQuAD 1.1",) if score in line}
    ends |= {line.index("90.4") + 4 for line in lines if "90.4" in line}
    assert len(ends) == 1


def test_markdown_rows_have_equal_numbers_of_cells(full_study):
    lines = markdown_table(report_of(full_study)).splitlines()
    assert {line.count("|") for line in lines} == {9}


def test_latex_rows_have_equal_numbers_of_cells(full_study):
    text = latex_table(report_of(full_study))
    tables = re.findall(r"begin\{tabular\}\{@\{\}l(r+)@\{\}\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert sum(len(columns) for columns, _ in tables) == 7, "every column stands in one of the tables"
    for columns, body in tables:
        rows = [line for line in body.splitlines() if line.endswith("\\\\") and "\\multicolumn" not in line]
        assert {line.count(" & ") for line in rows} == {len(columns)}
        assert "\\toprule" in body
    assert len(set(re.findall(r"\\label\{([^}]*)\}", text))) == len(tables) > 1


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("f1", 0.9049, "90.5"),
        ("perplexity", 12.345, "12.35"),
        ("recall_gain", -0.014, "−0.014"),
        ("accuracy", None, "–"),
    ],
)
def test_numbers_as_text(metric, value, text):
    assert Column("task", metric, "").text(value) == text


def test_caption_names_choices_that_the_study_did_not_have(results):
    results.add(config={"masking": {"unit": "token"}, "format": {"attention": "sequence"}})
    assert "whole words" not in caption_of(results)
    results.add(
        condition={"format": "doc"}, config={"masking": {"unit": "whole_word"}, "format": {"attention": "document"}}
    )
    text = caption_of(results)
    assert "whole words masked (paper: single tokens)" in text
    assert "attention within documents" in text


def test_a_variant_of_a_metric_is_written_like_it_and_a_count_as_it_is():
    facts = {name: (Column("t", name, "").is_fraction, Column("t", name, "").unit) for name in (
        "accuracy_T32", "recall_gain_standard_error_T32", "true_context_loss", "num_targets", "type_only_ceiling"
    )}  # fmt: skip
    assert facts == {
        "accuracy_T32": (True, "accuracy T32"),
        "recall_gain_standard_error_T32": (False, "recall gain standard error T32"),
        "true_context_loss": (False, "nats"),
        "num_targets": (False, "num targets"),
        "type_only_ceiling": (True, "type only ceiling"),
    }


def test_titles_are_the_configurations_and_second_metrics_have_columns(results):
    results.add("zebra_task", config={"tasks": {"zebra_task": {"title": None}}})
    results.add("squad1")
    records = results.folder.all()
    assert (task_title("squad1", records), task_title("zebra_task", records)) == ("SQuAD 1.1", "zebra task")
    columns = columns_of("t", "T", "accuracy", ["accuracy", "num_targets", "recall_gain"])
    assert [column.metric for column in columns] == ["accuracy", "recall_gain"]


@pytest.mark.parametrize(
    ("metric", "unit", "text", "may_be_log"),
    [
        ("recall_gain", "nats", "−0.014", False),
        ("recall_gain_pair_in_range", "nats", "−0.014", False),
        ("perplexity_doc", "perplexity doc", "−0.01", True),
        ("accuracy", "points", "−1.40", False),
    ],
)
def test_a_difference_is_printed_in_its_unit_as_finely_as_margins_are_given(metric, unit, text, may_be_log):
    """Margins of gains are hundredths of a nat; nats are logarithms, so no axis of them is logarithmic."""
    column = Column("task", metric, "")
    assert (column.difference_unit, signed(column, -0.014), column.may_be_log) == (unit, text, may_be_log)
