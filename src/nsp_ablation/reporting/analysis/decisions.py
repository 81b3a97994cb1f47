"""The open points of the paper's set-up and what this project decides (README, fidelity table), as data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """One open point: what the paper leaves open, what is done, and the keys that select it (none: a constant)."""

    point: str
    decision: str
    keys: tuple[str, ...] = ()


DECISIONS = (
    Decision("which formats share a token budget", "as the paper pairs them, by tokens, or by sequences", ("budget",)),
    Decision("unit of the budget", "real tokens with special tokens, without padding"),
    Decision(
        "loss over varying batches",
        "sum over the update's masked tokens / their number; NSP: mean over its pairs, times its weight",
        ("pretraining.pair_loss_weight",),
    ),
    Decision("FULL at a document's end", "one extra separator, counted in T, never opening a block"),
    Decision("separator after every sentence", "none inside, or one after each", ("format.sentence_separator",)),
    Decision("pair layout", "[CLS] A [SEP] B [SEP], or two separators between", ("format.pair_separator",)),
    Decision("segment embeddings", "two types for every format, or one", ("model.type_vocab_size",)),
    Decision("SEGMENT-PAIR builder", "BERT's, or exactly half random", ("format.nsp_balance",)),
    Decision("one-sentence documents in pairs", "forced random B, or skipped", ("format.lone_sentences",)),
    Decision("SENTENCE-PAIR stride", "each sentence is A once, or pairs are disjoint", ("format.pairs",)),
    Decision("too long", "sentences are cut and nothing dropped; pairs trimmed as BERT does; both counted"),
    Decision("special tokens", "never masked, never drawn as random tokens"),
    Decision("number masked per sequence", "exactly round(p n), at least 1, or Bernoulli", ("masking.count",)),
    Decision("pairs and blocks drawn anew each epoch", "fixed by the seed, or by seed and epoch", ("format.resample",)),
    Decision("NSP label", "1 = random, 0 = next"),
    Decision("which seeds", "pre-training and fine-tuning seeds, crossed", ("seed", "finetuning.seeds")),
    Decision("what is held equal", "updates; tokens within the groups of the budget; passes are reported"),
    Decision("held-out perplexity", "one fixed set under one mask for all arms, in three layouts"),
    Decision("pooler in fine-tuning", "fresh in every arm, or the pre-trained one", ("finetuning.pooler",)),
    Decision("gradient clipping", "0 is none, as at the paper's scale", ("pretraining.gradient_clip",)),
    Decision("Adam", "bias correction; bias and LayerNorm spared from decay, or not", ("pretraining.decay_all",)),
    Decision(
        "dropout, precision",
        "part of the result's identity",
        ("model.dropout", "model.attention_dropout", "trainer.precision"),
    ),
    Decision("positions that an arm never trains", "reported; task inputs never exceed the encoder's positions"),
    Decision("task lengths at small T", "question at most T/4, stride at most half of the context's capacity"),
    Decision("token types in fine-tuning", "the arm's own, or BERT's", ("finetuning.token_types",)),
    Decision("SOP (not in the paper)", "B follows A, swapped with p = .5; label 1 = swapped"),
    Decision("share of random B", "BERT's coin, or none: B always follows A", ("format.random_next",)),
    Decision("lengths of FULL's blocks", "up to T, or those of DOC's inputs", ("format.lengths",)),
)
