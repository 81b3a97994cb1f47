"""What an update of each format holds under each budget, and which positions it trains (fidelity rows 1, 2, 17, 23)."""

import numpy as np
import pytest

from nsp_ablation.options.format_options import FormatOptions, matched_format
from nsp_ablation.samples.batches.accounting import tokens_at_positions, totals
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import update_size
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore

NAMES = ("segment_pair", "sentence_pair", "full", "doc")
SEQUENCES, STEPS = 6, 400


@pytest.fixture(scope="module")
def plan_of(index_in):
    """plan_of(budget, format) -> its plan of B = 6."""

    def make(budget, name):
        index = index_in(name)
        matched = matched_format(budget, name)
        matched_length = None if matched is None else float(index_in(matched).lengths().mean())
        size = update_size(SEQUENCES, float(index.lengths().mean()), matched_length)
        return BatchPlan(lambda epoch: index, size, 1)

    return make


def mean_tokens(plan):
    return totals(plan, STEPS, 1).tokens / STEPS


def is_near(tokens, target):
    return abs(tokens / target - 1) < 0.005


def test_the_paper_budget_equalises_sentence_with_segment_and_doc_with_full_and_not_these_two(plan_of):
    tokens = {name: mean_tokens(plan_of("paper", name)) for name in NAMES}
    assert is_near(tokens["sentence_pair"], tokens["segment_pair"])
    assert is_near(tokens["doc"], tokens["full"])
    assert not is_near(tokens["full"], tokens["segment_pair"])
    for name in ("segment_pair", "full"):
        assert {len(plan_of("paper", name).update(step)[0]) for step in range(20)} == {SEQUENCES}


def test_the_budget_of_tokens_equalises_all_formats_by_full(plan_of, index_in):
    target = SEQUENCES * index_in("full").lengths().mean()
    for name in NAMES:
        assert is_near(mean_tokens(plan_of("tokens", name)), target), name


def test_the_budget_of_sequences_equalises_sequences_and_not_tokens(plan_of):
    plans = {name: plan_of("sequences", name) for name in NAMES}
    assert {totals(plan, STEPS, 1).sequences for plan in plans.values()} == {SEQUENCES * STEPS}
    assert mean_tokens(plans["sentence_pair"]) < 0.9 * mean_tokens(plans["segment_pair"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", ["paper", "tokens"])
def test_every_update_is_within_one_sequence_of_its_tokens(plan_of, index_in, budget, name):
    plan, lengths = plan_of(budget, name), index_in(name).lengths()
    if plan.size.tokens is None:
        return
    sizes = np.array([lengths[plan.update(step)[0]].sum() for step in range(STEPS)])
    assert abs(sizes - plan.size.tokens).max() <= lengths.max()


def test_real_tokens_count_cls_and_separators_and_no_padding(plan_of, index_in):
    for name in NAMES:
        index, found = index_in(name), totals(plan_of("sequences", name), STEPS, 1)
        num_special = np.array(
            [1 + index.separators[a:b].sum() for a, b in zip(index.offsets[:-1], index.offsets[1:], strict=True)]
        )
        plan = plan_of("sequences", name)
        samples = np.concatenate([plan.update(step)[0] for step in range(STEPS)])
        assert found.tokens == found.passes + num_special[samples].sum()  # of a corpus of one token
        assert found.tokens < found.sequences * 40  # T: shorter inputs are not padded


def test_sentence_pairs_never_train_late_positions_and_full_sentences_train_all(frame):
    store = TokenStore.from_documents([[[5 + i % 9] * 5 for i in range(20)]] * 10, vocab_size=200)
    seen = {}
    for name in ("sentence_pair", "full"):
        index = make_format(FormatOptions(name), "nsp").index(store, frame, 1, 0)
        size = update_size(8, 0.0, None)
        seen[name] = tokens_at_positions(BatchPlan(lambda epoch, index=index: index, size, 1), 50, frame.max_length)
    assert np.flatnonzero(seen["sentence_pair"]).tolist() == list(range(13))  # [CLS] 5 [SEP] 5 [SEP]
    assert seen["full"][:38].min() > 0
    assert seen["sentence_pair"][0] == seen["full"][0] == 8 * 50


def test_pairs_reread_what_blocks_read_once(index_in, store):
    """SEGMENT-PAIR reads random segments beside the corpus, so that equal updates are unequal passes."""
    passes = {}
    for name in NAMES:
        index = index_in(name)
        plan = BatchPlan(lambda epoch, index=index: index, update_size(index.num_samples, 0.0, None), 1)
        passes[name] = totals(plan, 1, store.num_tokens).passes
    assert passes["full"] == passes["doc"] == 1.0
    assert passes["segment_pair"] > 1.1
    assert passes["sentence_pair"] > 1.5
