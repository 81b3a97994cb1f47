"""The three budgets (PAPER row 1)."""

import pytest

from nsp_ablation.samples.batches.budget import update_size

MEAN_LENGTH = {"segment_pair": 300.0, "sentence_pair": 60.0, "full": 500.0, "doc": 400.0}


def size_of(budget, name, sequences=256):
    return update_size(budget, name, sequences, MEAN_LENGTH[name], MEAN_LENGTH["segment_pair"], MEAN_LENGTH["full"])


@pytest.mark.parametrize(
    ("budget", "name", "sequences", "tokens"),
    [
        ("paper", "segment_pair", 256, None),
        ("paper", "full", 256, None),
        ("paper", "sentence_pair", None, 256 * 300),
        ("paper", "doc", None, 256 * 500),
        ("tokens", "segment_pair", None, 256 * 500),
        ("tokens", "sentence_pair", None, 256 * 500),
        ("tokens", "full", None, 256 * 500),
        ("tokens", "doc", None, 256 * 500),
        ("sequences", "segment_pair", 256, None),
        ("sequences", "sentence_pair", 256, None),
        ("sequences", "full", 256, None),
        ("sequences", "doc", 256, None),
    ],
)
def test_an_update_takes_what_the_budget_says(budget, name, sequences, tokens):
    size = size_of(budget, name)
    assert (size.sequences, size.tokens) == (sequences, tokens)
    assert size.mean_tokens == pytest.approx(tokens or sequences * MEAN_LENGTH[name])
    assert size.mean_sequences == pytest.approx(sequences or tokens / MEAN_LENGTH[name])


def test_the_paper_equalises_tokens_within_two_groups():
    tokens = {name: size_of("paper", name).mean_tokens for name in MEAN_LENGTH}
    assert tokens["sentence_pair"] == tokens["segment_pair"] != tokens["full"] == tokens["doc"]


def test_only_the_length_that_is_matched_is_needed():
    assert update_size("sequences", "doc", 8, 10.0, None, None).sequences == 8
    assert update_size("paper", "sentence_pair", 8, 10.0, 30.0, None).tokens == 240
    assert update_size("paper", "doc", 8, 10.0, None, 40.0).tokens == 320
    with pytest.raises(AssertionError, match="needs the mean length"):
        update_size("paper", "doc", 8, 10.0, 30.0, None)
