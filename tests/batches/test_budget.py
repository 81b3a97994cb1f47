"""The three budgets (fidelity row 1)."""

import pytest

from nsp_ablation.options.format_options import matched_format
from nsp_ablation.samples.batches.update_size import update_size

MEAN_LENGTH = {"segment_pair": 300.0, "sentence_pair": 60.0, "full": 500.0, "doc": 400.0}


def size_of(budget, name, sequences=256):
    matched = matched_format(budget, name)
    return update_size(sequences, MEAN_LENGTH[name], None if matched is None else MEAN_LENGTH[matched])


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
