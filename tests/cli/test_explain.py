"""`--help` and `--explain`: every setting is explained, and docs/settings.md is what they say."""

import pytest

from nsp_ablation.cli.explain import explain, explanations, help_text
from nsp_ablation.config.problem import ConfigurationError


def test_docs_settings_is_generated(composer, project_root):
    assert explain(["all"], composer, markdown=True) + "\n" == (project_root / "docs/settings.md").read_text()


def test_every_setting_has_a_line_of_help(composer):
    every = explanations(composer)
    assert len(every) > 130
    assert all(each.help.endswith(".") for each in every)


def test_one_key_is_explained(composer):
    assert explain(["format.attention"], composer).splitlines() == [
        "format.attention",
        "  What a token attends to: its whole sequence, or its document's part of it.",
        "  default sequence; one of sequence, document",
        "  science: changes the result; made anew: feed, encoder, record",
    ]


def test_a_group_and_a_tasks_own_name_are_explained(composer):
    text = explain(["masking", "tasks.mnli.path"], composer)
    assert "options: dynamic, static" in text
    assert "masking.copies" in text
    assert "tasks.<name>.path" in text


def test_an_unknown_key_is_refused_with_a_suggestion(composer):
    with pytest.raises(
        ConfigurationError, match=r"--explain format.atention: no such .* did you mean format.attention\?"
    ):
        explain(["format.atention"], composer)


@pytest.mark.parametrize(
    ("key", "artifacts"),
    [
        ("corpus.heldout_fraction", "tokenizer, stores, feed, encoder, record"),
        ("corpus.text_key", "corpus, tokenizer, stores, feed, encoder, record"),
        ("tokenizer.path", "tokenizer, stores, feed, encoder, record"),
        ("format.nsp_balance", "feed, encoder, record"),
        ("masking.probability", "feed, encoder, record"),
        ("trainer.precision", "encoder, record"),
        ("finetuning.recipes.<name>.batch_size", "record"),
        ("trainer.devices", "nothing"),
        ("report.title", "nothing"),
    ],
)
def test_a_setting_invalidates_what_depends_on_it(composer, key, artifacts):
    (each,) = [each for each in explanations(composer) if each.key == key]
    assert each.invalidates == artifacts


def test_help_lists_every_group_with_its_options(composer):
    text = help_text(composer)
    for group in composer.groups():
        assert f"\n  {group} " in text
    assert "doc, full, segment_pair, sentence_pair" in text
    assert "max_length=96" in text
    assert all(len(line) <= 120 for line in text.splitlines())
