"""A pre-trained pooler is refused where there will be none: before an encoder is trained in vain."""

import pytest

WORDS = ("scale=smoke", "tasks=[sst2]", "finetuning.pooler=pretrained")
NO_ROW = "finetuning.untrained_row=false"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("format=full", NO_ROW), "MLM alone trains no pooler"),
        (("format=segment_pair", "objective=mlm", NO_ROW), "MLM alone trains no pooler"),
        (("format=segment_pair",), "the untrained encoder has no pooler"),
        (("encoder=random", "stage=finetune"), "the untrained encoder has no pooler"),
    ],
)
def test_a_pooler_that_nobody_trains_is_refused(refused, words, reason):
    (line,) = refused(*WORDS, *words)
    assert line.startswith(f"finetuning.pooler=pretrained: {reason}; set finetuning.pooler=fresh")


@pytest.mark.parametrize(
    "words",
    [
        ("format=segment_pair", NO_ROW),
        ("format=segment_pair", "objective=mlm_sop", NO_ROW),
        ("format=full", "tasks=[in_context_recall]"),
        ("format=full", "stage=pretrain"),
        ("format=full", NO_ROW, "finetuning.pooler=fresh"),
    ],
)
def test_each_remedy_is_accepted(config, words):
    assert config(*WORDS, *words).finetuning.pooler in ("pretrained", "fresh")
