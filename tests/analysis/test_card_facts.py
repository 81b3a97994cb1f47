"""What a report says of the data cards of its arms."""

from dataclasses import replace

import pytest

from nsp_ablation.base.errors import DamageError
from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.card_facts import card_sentences
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.data_card import CardEntry, DataCard, read_card, write_card
from nsp_ablation.reporting.render.outputs import OUTPUTS
from nsp_ablation.reporting.render.terminal import terminal_text


def card(key, labels, verdict):
    lines = [
        CardEntry("documents", "documents", "1,234", 1234, "info", None),
        CardEntry("unknown_share", "[UNK]", "0.1 % of 9 tokens", {"share": 0.001}, "ok", 0.02),
        CardEntry("label_share", "pair labels", labels, {"most": 0.99}, verdict, 0.9),
    ]
    return DataCard(key, "jsonl", "bbpe", "full", "mlm_nsp", 128, ["squad1"], ["stores/x"], lines)


@pytest.fixture
def study(results):
    """Two arms of two seeds, each seed with its card, and an untrained encoder without one."""
    for name, labels, verdict in (("segment_pair", "99 % random", "warn"), ("sentence_pair", "55 % random", "ok")):
        for seed in (1, 2):
            key = f"{name}{seed}"
            condition = {"format": name, "objective": "mlm_nsp"}
            results.add(condition=condition, seed=seed, science=name, card=key)
            write_card(results.folder.path / "cards" / f"{key}.json", card(key, f"{labels} of {seed}", verdict))
    results.add(arm="random")
    return results


def report_of(study):
    return load_report(study.folder.path, "study", ReportOptions())


def test_the_table_has_a_row_per_trained_arm_of_its_first_seed(study):
    table = report_of(study).data_cards
    assert table.heads == ["", "documents", "[UNK]", "pair labels"]
    assert [row[1:] for row in table.rows] == [
        ["1,234", "0.1 % of 9 tokens", "99 % random of 1 (warn)"],
        ["1,234", "0.1 % of 9 tokens", "55 % random of 1"],
    ]


def test_sentences_say_once_what_all_arms_have_in_common(study):
    common, first, second = card_sentences(report_of(study).data_cards)
    assert common == "Data: documents 1,234; [UNK] 0.1 % of 9 tokens."
    assert first.startswith("SEGMENT-PAIR")
    assert first.endswith(": pair labels 99 % random of 1 (warn).")
    assert second.startswith("SENTENCE-PAIR")
    assert second.endswith(": pair labels 55 % random of 1.")


def test_every_output_for_reading_shows_the_cards(study, tmp_path):
    report = report_of(study)
    texts = [OUTPUTS[name](report) for name in ("table.md", "report.html", "appendix.tex")]
    texts.append(terminal_text(report, tmp_path, [], color=False, width=100))
    assert all("random of 1" in text and "1,234" in text for text in texts)


def test_a_study_without_cards_says_nothing_of_them(results, tmp_path):
    results.add()
    report = report_of(results)
    assert report.data_cards.rows == []
    assert "Data" not in terminal_text(report, tmp_path, [], color=False, width=100)
    assert "<h2>Data</h2>" not in OUTPUTS["report.html"](report)


def test_an_edited_card_is_refused_by_name_and_left_out_once_it_is_deleted(study):
    path = study.folder.path / "cards" / "segment_pair1.json"
    path.write_text(path.read_text().replace("1,234", "9,999"))
    with pytest.raises(DamageError, match=f"{path} is not what was written"):
        report_of(study)
    path.unlink()
    report = report_of(study)
    assert [row[3] for row in report.data_cards.rows] == ["99 % random of 2 (warn)", "55 % random of 1"]
    assert [line for line in report.warnings if "card" in line] == [
        "the data card cards/segment_pair1.json is missing; run the command of its sweep again, which copies it from "
        "paths.artifacts"
    ]
    path.mkdir()
    with pytest.raises(DamageError, match=f"{path} .*; delete it"):
        report_of(study)


def test_a_card_in_anothers_place_is_refused_by_name(tmp_path):
    write_card(tmp_path / "x.json", card("x", "a", "ok"))
    (tmp_path / "x.json").rename(tmp_path / "y.json")
    with pytest.raises(DamageError, match=r"y\.json holds the card x; delete it"):
        read_card(tmp_path / "y.json")


def test_a_card_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "cards" / "x.json"
    write_card(path, card("x", "a", "ok"))
    read = read_card(path)
    assert replace(read, digest="") == card("x", "a", "ok")
    written = path.stat().st_mtime_ns
    write_card(path, card("x", "a", "ok"))
    assert path.stat().st_mtime_ns == written
