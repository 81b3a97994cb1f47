"""The appendix: hyper-parameters by model and task, deviations from the paper, answers to the lists of venues."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.analysis.paper_settings import PAPER_SETTINGS
from nsp_ablation.reporting.records.record import FinetuningFacts
from nsp_ablation.reporting.records.selection_facts import SelectionFacts, TrialFacts
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.latex import breakable
from nsp_ablation.reporting.render.latex_tables import quantities
from nsp_ablation.reporting.render.reading_table import latex_table

PDFLATEX = shutil.which("pdflatex")
TASKS = {"squad1": {"title": "SQuAD 1.1"}, "mnli": {"title": "MNLI-m"}}
PAPER = {"max_length": 512, "batch": 256, "updates": 1_000_000, "learning_rate": 1e-4, "model": "base"}


def report_of(results, **options):
    return load_report(results.folder.path, "study", ReportOptions(**options))


def cells(table):
    return {row[0]: dict(zip(table.heads[1:], row[1:], strict=True)) for row in table.rows}


def paper_config(**changes):
    """Return a configuration of the paper's values, some changed by their dotted keys."""
    values = {one.key: one.value for one in PAPER_SETTINGS if isinstance(one.key, str)} | changes
    config = {"pretraining": {"warmup_ratio": 0.01}, "finetuning": {"warmup_ratio": 0.06}, "tasks": TASKS}
    for key, value in values.items():
        group, _, name = key.rpartition(".")
        config.setdefault(group, {})[name] = value
    return config


def paper_study(results, condition=PAPER, **changes):
    for seed in range(1, 6):
        results.add(seed=seed, condition=condition, config=paper_config(**changes) | {"seed": seed})
    return report_of(results)


def test_a_study_with_the_papers_values_deviates_in_nothing(results):
    report = paper_study(results)
    assert report.appendix.deviations.rows == []
    assert "Deviations" not in appendix(report)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("model.lookup_init", True, ["A last layer that starts as a lookup", "yes", "no (BERT)"]),
        ("masking.probability", 0.35, ["Masked share of tokens", "0.35", "0.15"]),
        ("pretraining.gradient_clip", 1.0, ["Gradient clipping", "1", "none"]),
        ("pretraining.warmup_ratio", 0.06, ["Warm-up updates", "60,000", "10,000"]),
    ],
)
def test_each_other_value_is_one_deviation(results, key, value, shown):
    assert paper_study(results, **{key: value}).appendix.deviations.rows == [shown]


def test_other_sizes_and_other_numbers_of_runs_deviate_too(results):
    results.add(condition=PAPER | {"batch": 16}, config=paper_config())
    results.add(condition=PAPER | {"batch": 32, "format": "doc"}, config=paper_config())
    rows = report_of(results).appendix.deviations.rows
    assert ["Sequences per update", "16, 32", "256"] in [[row[0], row[1], row[2]] for row in rows]
    assert rows[-1][:2] == ["Runs per cell", "1"]


def test_of_pre_training_there_is_a_column_per_model_and_not_per_arm(results):
    for format in ("full", "doc", "segment_pair"):
        results.add(condition=PAPER | {"format": format}, config=paper_config())
    table = report_of(results).appendix.pretraining
    assert table.heads == ["", "base"]
    found = {name: texts["base"] for name, texts in cells(table).items()}
    expected = {
        "Number of layers": "12",
        "Attention head size": "64",
        "Warm-up updates": "10,000",
        "Updates": "1,000,000",
    }
    expected |= {"Peak learning rate": "0.0001", "Batch size (sequences)": "256", "Adam epsilon": "1e-06"}
    assert {name: found[name] for name in expected} == expected
    assert "Precision" not in found, "no record has it"


def test_arms_that_are_trained_otherwise_have_columns_of_their_own_and_are_named(results):
    for format, rate in (("full", 1e-4), ("doc", 1e-4), ("segment_pair", 7e-4), ("sentence_pair", 7e-4)):
        condition = PAPER | {"format": format, "learning_rate": rate}
        results.add(condition=condition, config=paper_config())
    table = report_of(results).appendix.pretraining
    rates = cells(table)["Peak learning rate"]
    assert [*rates.values()] == ["0.0007", "0.0001"]
    assert all("SENTENCES" in head for head, rate in rates.items() if rate == "0.0001")
    assert cells(table)["Hidden size"] == dict.fromkeys(rates, "768")


def test_of_fine_tuning_there_is_a_column_per_task_with_its_own_recipe(results):
    recipe = {"learning_rate": 3e-5, "batch_size": 32, "num_epochs": 3.0, "weight_decay": 0.1}
    own = {"mnli": {"learning_rate": 1e-5, "batch_size": None}}
    config = paper_config(**{"finetuning.recipe": recipe, "finetuning.recipes": own})
    for task in ("squad1", "mnli", "in_context_recall"):
        results.add(task, fine=None if task == "in_context_recall" else 1, config=config)
    table = report_of(results).appendix.finetuning
    assert table.heads == ["", "SQuAD 1.1", "MNLI-m"]
    found = cells(table)
    assert [*found["Learning rate"].values()] == ["3e-05", "1e-05"]
    assert [*found["Batch size"].values()] == ["32", "32"]
    assert [*found["Measure"].values()] == ["F1", "acc."]
    assert [*found["Recipes tried"].values()] == ["1", "1"]


def test_of_a_chosen_recipe_the_choice_is_shown_and_the_search_is_told(results):
    trials = [TrialFacts(rate, 16, 3.0, 0.1, [1.0], [0.5]) for rate in (1e-5, 2e-5, 3e-5)]
    for format, chosen in (("full", 1), ("doc", 2)):
        facts = FinetuningFacts(9, 1.0, SelectionFacts("train_tenth", 1, trials, chosen, 2.0))
        results.add(condition=PAPER | {"format": format}, config=paper_config(), finetuning=facts)
    report = report_of(results)
    assert cells(report.appendix.finetuning)["Learning rate"] == {"SQuAD 1.1": "2e-05, 3e-05"}
    answers = {item.number: item.answer for one in report.appendix.checklists for item in one.items}
    assert "Of up to 3 recipes per task and arm the best was chosen on a hashed tenth" in answers["C2"]


def test_lists_are_answered_from_records_and_what_they_do_not_say_is_left_to_the_authors(results):
    report = paper_study(results)
    assert [one.title for one in report.appendix.checklists] == [
        "Responsible NLP Research checklist (ACL)",
        "Reproducibility checklist (NeurIPS)",
    ]
    answers = {item.number: item.answer for one in report.appendix.checklists for item in one.items}
    assert len(answers) == sum(len(one.items) for one in report.appendix.checklists), "no number twice"
    for number in ("A1", "A2", "B1", "B2", "B3", "B4", "D", "E", "Data 4", "Code 3"):
        assert answers[number] is None
    assert "12 layers of 768 with 12 heads" in answers["C1"]
    assert "1 pre-trainings" in answers["C1"], "all records name one encoder"
    assert "Devices: cpu AMD EPYC." in answers["C1"]
    assert "no run failed" in answers["C3"]
    assert "torch 2.13.0" in answers["C4"]
    assert "seeds 1, 2, 3, 4, 5" in answers["Results 2"]
    assert "squad1 2" in answers["B6"]
    text = appendix(report).replace("\\allowbreak{}", "").replace("{-}", "-")
    assert text.count("For the authors: no record says it.") == sum(answer is None for answer in answers.values())


def test_without_results_no_list_is_answered(results):
    results.add(status="failed")
    report = report_of(results)
    assert report.appendix.checklists == []
    assert report.appendix.deviations.rows == report.appendix.pretraining.rows == []


def test_a_quantity_that_all_columns_share_stands_once(full_study):
    report = report_of(full_study)
    table = replace(report.pretraining.on_its_side())
    text = quantities(table)
    assert text.count("begin{longtable}") == 1
    assert text.count("{361}") + text.count(" 361}") == 1
    assert "\\multicolumn{4}" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b", r"a\_\allowbreak{}b"),
        ("1.068", "1.068"),
        ("1,000 a,b", r"1,000 a,\allowbreak{}b"),
        ("x-1", "x{-}1"),
        ("end.", "end."),
        ("a=1", r"a=\allowbreak{}1"),
    ],
)
def test_text_breaks_after_separators_and_never_within_a_number(text, expected):
    assert breakable(text) == expected


@pytest.mark.slow
@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex is installed")
def test_appendix_and_table_compile_without_an_overfull_box(full_study, tmp_path):
    """In the plainest documents: the appendix alone, the table within LaTeX's own article."""
    config = paper_config(**{"corpus.name": "a" * 30, "model.lookup_init": True}) | {"seed": 9}
    long = {"format": "segment_pair", "name": "segment_pair_of_a_long_name_" + "x" * 40, "objective": "mlm"}
    for number in range(3):
        full_study.add(
            seed=9, condition=long | {"name": f"{long['name']}{number}"}, config=config, science=f"s{number}"
        )
    comparisons = [ComparisonOptions("full", "doc")]
    report = report_of(full_study, comparisons=comparisons, question="Is it $50 & more?")
    (tmp_path / "appendix.tex").write_text(appendix(report), encoding="utf-8")
    (tmp_path / "table.tex").write_text(latex_table(report), encoding="utf-8")
    host = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}Text.\n\\input{table}\\end{document}\n"
    (tmp_path / "host.tex").write_text(host)
    for name in ("appendix", "host"):
        run = [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, timeout=100)
        log = done.stdout.decode(errors="replace")
        assert done.returncode == 0, log[-2000:]
        assert not re.findall(r"^(?:Overfull|LaTeX Warning: Float too large).*", log, re.MULTILINE)
