"""MLM targets beside BERT's own and Hugging Face's collator: what the original does, and what ours does."""

import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from nsp_ablation.base.randomness import sample_key
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings

SPECIALS = {"cls": 0, "pad": 1, "sep": 2, "unk": 3, "mask": 4}
WORD = 50


def bert_masks(tokens, probability, max_predictions, vocab_size, draw):
    """Return {position: new id} as BERT's create_masked_lm_predictions chooses them (Devlin et al. 2019).

    The share is taken of all tokens, [CLS] and [SEP] too, and never exceeds `max_predictions`; a random token is any
    of the vocabulary.
    """
    places = [place for place, token in enumerate(tokens) if token not in (SPECIALS["cls"], SPECIALS["sep"])]
    draw.shuffle(places)
    number = min(max_predictions, max(1, round(len(tokens) * probability)))
    replaced = {}
    for place in sorted(places[:number]):
        replaced[place] = SPECIALS["mask"]
        if draw.random() >= 0.8:
            replaced[place] = tokens[place] if draw.random() < 0.5 else draw.randint(0, vocab_size - 1)
    return replaced


def pair(num_ordinary):
    """Return the ids of a pair with so many ordinary tokens and its [CLS] and two [SEP]."""
    half = num_ordinary // 2
    return [SPECIALS["cls"], *[WORD] * half, SPECIALS["sep"], *[WORD] * (num_ordinary - half), SPECIALS["sep"]]


@pytest.fixture
def ours(frame):
    """ours(sequences, masks) -> new ids and targets (-100 elsewhere), each a list of arrays."""

    def mask(sequences, masks):
        input_ids = np.array([token for sequence in sequences for token in sequence])
        offsets = np.cumsum([0, *map(len, sequences)])
        special = np.isin(input_ids, list(SPECIALS.values()))
        keys = sample_key(masks.epoch_key(1), np.arange(len(sequences), dtype=np.uint64))
        masked, positions, _ = mask_kernel(input_ids, special, offsets, keys, *mask_settings(frame, masks))
        labels = np.full(len(input_ids), -100)
        labels[positions] = input_ids[positions]
        return np.split(masked, offsets[1:-1]), np.split(labels, offsets[1:-1])

    return mask


@pytest.fixture(scope="module")
def collator(frame):
    """collator(seed, **changes) -> the collator of `transformers` over the frame's vocabulary."""
    words = [f"[{name.upper()}]" for name in SPECIALS]
    vocabulary = {word: i for i, word in enumerate([*words, *(f"w{i}" for i in range(5, frame.vocab_size))])}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]")),
        **{f"{name}_token": f"[{name.upper()}]" for name in SPECIALS},
    )

    def make(seed, **changes):
        collate = DataCollatorForLanguageModeling(tokenizer, seed=seed, **changes)
        return lambda sequences: collate([torch.tensor(sequence) for sequence in sequences])

    return make


@pytest.mark.parametrize(
    ("num_ordinary", "berts", "our_number"), [(7, 2, 1), (20, 3, 3), (27, 4, 4), (71, 11, 11), (87, 14, 13)]
)
def test_bert_counts_cls_and_sep_in_the_masked_share_ours_does_not(ours, dynamic, num_ordinary, berts, our_number):
    theirs = bert_masks(pair(num_ordinary), 0.15, 77, 200, random.Random(0))
    _, (labels,) = ours([pair(num_ordinary)], dynamic)
    assert len(theirs) == berts
    assert (labels != -100).sum() == our_number == round(0.15 * num_ordinary)


def test_bert_predicts_at_most_max_predictions_ours_always_its_share(ours, dynamic):
    assert len(bert_masks(pair(509), 0.15, 20, 200, random.Random(0))) == 20  # the script's default
    assert len(bert_masks(pair(509), 0.15, 77, 200, random.Random(0))) == 77  # its advice for T = 512
    _, (labels,) = ours([pair(509)], dynamic)
    assert (labels != -100).sum() == 76


def test_berts_random_token_may_be_a_special_one_ours_never(ours, dynamic):
    draw = random.Random(0)
    theirs = [new for _ in range(200) for new in bert_masks(pair(100), 0.15, 77, 20, draw).values()]
    assert {0, 1, 2, 3} < set(theirs)
    masked, _ = ours([pair(100)] * 2000, dynamic)
    ordinary = np.concatenate(masked)[np.isin(np.concatenate([pair(100)] * 2000), [WORD])]
    drawn = ordinary[(ordinary != WORD) & (ordinary != SPECIALS["mask"])]
    assert len(drawn) > 2000
    assert not np.isin(drawn, list(SPECIALS.values())).any()


def test_neither_bert_nor_ours_predicts_cls_and_sep(ours, dynamic):
    draw = random.Random(0)
    for places in ([*bert_masks(pair(9), 0.9, 77, 200, draw)] for _ in range(100)):
        assert not {0, 5, 11} & set(places)
    _, labels = ours([pair(9)] * 100, Masks(MaskingOptions("dynamic", probability=0.9), seed=1))
    assert all((row[[0, 5, 11]] == -100).all() for row in labels)


def test_hugging_faces_collator_masks_a_varying_number_ours_an_exact_one_unless_bernoulli(collator, ours, dynamic):
    sequences = [pair(100)] * 2000
    theirs = (collator(1)(sequences)["labels"] != -100).sum(dim=1).numpy()
    _, exact = ours(sequences, dynamic)
    _, bernoulli = ours(sequences, Masks(MaskingOptions("dynamic", count="bernoulli"), seed=1))
    exact, bernoulli = ([(row != -100).sum() for row in labels] for labels in (exact, bernoulli))
    assert set(exact) == {15}
    for counts in (theirs, np.array(bernoulli)):
        assert abs(counts.mean() - 15) < 5 * np.sqrt(12.75 / 2000)
        assert abs(counts.var() - 12.75) < 3  # 100 * .15 * .85
        assert counts.min() < 8


def test_hugging_faces_collator_may_mask_nothing_ours_at_least_one_token_unless_bernoulli(collator, ours, dynamic):
    sequences = [pair(5)] * 300
    assert (collator(1)(sequences)["labels"] == -100).all(dim=1).any()
    _, exact = ours(sequences, dynamic)
    _, bernoulli = ours(sequences, Masks(MaskingOptions("dynamic", count="bernoulli"), seed=1))
    assert all((labels != -100).sum() == 1 for labels in exact)
    assert any((labels == -100).all() for labels in bernoulli)


def test_hugging_faces_random_token_may_be_a_special_one_ours_never(collator, ours, dynamic):
    sequences, fractions = [pair(100)] * 1000, {"mask_replace_prob": 0.0, "random_replace_prob": 1.0}
    batch = collator(1, **fractions)(sequences)
    theirs = np.bincount(batch["input_ids"][batch["labels"] != -100], minlength=200)
    assert theirs[:5].min() > 0  # [CLS], [PAD], [SEP], [UNK] and [MASK] alike
    masks = Masks(MaskingOptions("dynamic", mask_fraction=0.0, random_fraction=1.0), seed=1)
    masked, labels = (np.concatenate(rows) for rows in ours(sequences, masks))
    drawn = np.bincount(masked[labels != -100], minlength=200)
    assert drawn[:5].sum() == 0
    assert drawn[5:].min() > 0


def test_hugging_faces_mask_depends_on_what_was_masked_before_ours_on_the_sample_alone(collator, ours, dynamic):
    first, second = pair(60), pair(90)
    collate = collator(1)
    assert not torch.equal(collate([first])["labels"], collate([first])["labels"])
    alone, behind = collator(1)([second])["labels"], collator(1)([first, second])["labels"]
    assert not torch.equal(alone[0], behind[1])
    assert ours([first, second], dynamic)[1][1].tolist() == ours([second, second], dynamic)[1][1].tolist()
