"""What a record says of a pre-training is what its updates fed the model, counted by walking them."""

import pytest

from nsp_ablation.learning.cost.training_cost import Work, encoder_size, training_flops
from nsp_ablation.learning.pretraining.plateau import SmoothedLosses
from nsp_ablation.learning.pretraining.pretraining_fit import PretrainOutcome
from nsp_ablation.pipeline.feed import feed_of as feed_of_configuration
from nsp_ablation.pipeline.pretraining_facts import pretraining_facts
from nsp_ablation.samples.batches.accounting import tokens_at_positions, totals
from nsp_ablation.samples.batches.corpus_reading import CorpusReading


def test_passes_are_over_the_corpus_and_random_next_is_the_share_of_random_pairs(compose, feed_of):
    words = ("format=segment_pair", "pretraining.max_steps=40")
    config, feed = compose(*words), feed_of(*words)
    read = totals(feed.plan, 40, feed.store.num_tokens)
    positions = tokens_at_positions(feed.plan, 40, config.max_length)
    content = num_pairs = num_random = num_tokens = squares = 0
    seen = set()
    for step in range(40):
        for sample, epoch in zip(*feed.plan.update(step), strict=True):
            index = feed.index_of(epoch)
            spans = index.spans[index.offsets[sample] : index.offsets[sample + 1]]
            content += int((spans[:, 1] - spans[:, 0]).sum())
            seen |= {token for start, end in spans.tolist() for token in range(start, end)}
            num_tokens += int(index.lengths()[sample])
            squares += int(index.lengths()[sample]) ** 2
            num_pairs, num_random = num_pairs + 1, num_random + int(index.is_random_next[sample])
    outcome = PretrainOutcome(11, 2.5, {}, SmoothedLosses(10, 40, []))
    facts = pretraining_facts(config, feed, read, positions, outcome, None)
    assert 2 * num_random != num_pairs, "an inverted share would be the same"
    assert abs(content / feed.store.num_tokens - read.epochs) > 0.01, "epochs would be the same"
    assert facts["realised_random_next"] == pytest.approx(num_random / num_pairs)
    assert facts["passes"] == pytest.approx(content / feed.store.num_tokens)
    assert (facts["tokens"], facts["sequences"], facts["pairs"]) == (num_tokens, num_pairs, num_pairs)
    assert (facts["special_tokens"], facts["maskable_tokens"]) == (num_tokens - content, content)
    assert facts["unique_tokens"] == len(seen)
    assert 0 < len(seen) < content
    assert facts["padding_tokens"] == num_pairs * config.max_length - num_tokens
    assert (facts["updates"], facts["predictions"], facts["seconds"]) == (40, 11, 2.5)
    work = Work(num_tokens, squares, 11, num_pairs)
    assert facts["flops"] == pytest.approx(training_flops(encoder_size(config.model, feed.frame.vocab_size), work))


@pytest.mark.parametrize(
    "settings",
    [
        ("seed=91",),
        ("seed=92", "format.resample=true"),
        ("seed=93", "format.resample=true", "masking.name=static", "masking.copies=2"),  # its first mask is number 0
    ],
)
def test_a_feed_that_was_read_is_there(compose, settings):
    link = feed_of_configuration(compose("format=segment_pair", *settings))
    assert not link.is_made
    link.open()
    assert link.is_made


def test_special_tokens_of_the_text_itself_may_not_be_predicted(compose, feed_of, monkeypatch):
    words = ("format=full", "pretraining.max_steps=3")
    config, feed = compose(*words), feed_of(*words)
    read = totals(feed.plan, 3, feed.store.num_tokens)
    positions = tokens_at_positions(feed.plan, 3, config.max_length)
    monkeypatch.setattr(
        "nsp_ablation.pipeline.pretraining_facts.corpus_reading", lambda *_: CorpusReading(5, special_in_text=7)
    )
    outcome = PretrainOutcome(11, 2.5, {}, SmoothedLosses(10, 40, []))
    facts = pretraining_facts(config, feed, read, positions, outcome, None)
    assert facts["maskable_tokens"] == read.tokens - read.special_tokens - 7
