"""What a study cost, and how long its inputs and updates are: from records and data cards alone."""

from dataclasses import replace

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.data_card import CardEntry, DataCard, write_card
from nsp_ablation.reporting.records.record import EncoderReference, FinetuningFacts, PretrainingFacts
from nsp_ablation.reporting.render.histogram_figure import sizes_figure
from nsp_ablation.reporting.render.html_page import html_page

FACTS = PretrainingFacts(10, 2_000_000, 0, 9, 9, None, 1.0, 0, 9, 9, 9, None, 1.0, None, 7200.0)


def report_of(results):
    return load_report(results.folder.path, "study", ReportOptions())


def cells(report):
    table = report.costs
    return {row[0]: dict(zip(table.heads, row, strict=True)) for row in table.rows}


def trained(results, format, seed, task, **facts):
    """Add a result of the one encoder that this format and seed have."""
    results.add(
        task,
        seed=seed,
        condition={"format": format},
        pretraining=replace(FACTS, **facts),
        encoder=EncoderReference(f"encoders/{format}{seed}", f"{format}{seed}"),
        finetuning=FinetuningFacts(5, 1800.0),
    )


def test_an_encoder_costs_once_whatever_is_measured_of_it(results):
    for seed in (1, 2):
        for task in ("squad1", "mnli"):
            trained(results, "full", seed, task, flops=2e15 * seed, parameters=110_000_000)
        trained(results, "doc", seed, "squad1")
    found = cells(report_of(results))
    assert list(found) == ["FULL-SENTENCES", "DOC-SENTENCES", "all"]
    full, doc, every = found.values()
    assert (full["encoders"], full["parameters"], full["FLOPs per encoder"]) == ("2", "110,000,000", "3e+15")
    assert (full["M tokens per encoder"], full["hours per encoder"]) == ("2.00", "2")
    assert (full["fine-tuning runs"], full["fine-tuning hours"], full["hours in all"]) == ("4", "2", "6")
    assert (doc["parameters"], doc["FLOPs per encoder"]) == ("–", "–"), "what records do not state is not made up"
    assert (every["encoders"], every["hours in all"], every["FLOPs per encoder"]) == ("4", "11", "–")


def test_an_untrained_encoder_costs_its_fine_tuning_alone_and_every_device_is_named(results):
    results.add(arm="random", condition={"format": None})
    results.add(arm="random", condition={"format": None}, seed=2, provenance={"device": "cuda NVIDIA H100"})
    (row,) = cells(report_of(results)).values()
    assert (row["encoders"], row["fine-tuning runs"]) == ("–", "2")
    assert row["device"] == "cpu AMD EPYC; cuda NVIDIA H100"


def sized_card(key, mean, lines=("input_lengths", "update_sizes")):
    value = {"inputs": 6, "mean": mean, "least": 3, "most": 9, "edges": [1, 5, 10], "counts": [2, 4]}
    entries = [CardEntry(name, name, "text", value, "info", None) for name in lines]
    return DataCard(key, "jsonl", "bbpe", "full", "mlm", 128, [], ["stores/x"], entries)


def test_histograms_are_those_of_the_cards_and_older_cards_have_none(results):
    for name, lines in (("full", ("input_lengths", "update_sizes")), ("doc", ("input_lengths",)), ("segment_pair", ())):
        results.add(condition={"format": name}, card=name)
        write_card(results.folder.path / "cards" / f"{name}.json", sized_card(name, len(name), lines))
    report = report_of(results)
    found = [(panel.title, [report.labels[arm] for arm in panel.arms]) for panel in report.histograms]
    assert found == [
        ("Lengths of inputs", ["FULL-SENTENCES", "DOC-SENTENCES"]),
        ("Sizes of updates", ["FULL-SENTENCES"]),
    ]
    svg = sizes_figure(report)
    assert svg.count("<rect ") == 3 * 2, "a bar per bin that holds something"
    assert ">mean 4.0<" in svg
    assert ">mean 3.0<" in svg
    assert "Lengths of inputs" in html_page(report)


def test_without_cards_there_are_no_histograms(results):
    results.add()
    assert sizes_figure(report_of(results)) is None
