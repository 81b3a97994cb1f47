"""`stage=cost`, or `trainer.dry_run=true` in any stage: what a cell would take; nothing is built."""

import re

import pytest


@pytest.fixture
def dry(nsp, tmp_path):
    """dry("model=base", ...): the lines that a dry run prints; it leaves nothing behind."""

    def run(*arguments):
        ended = nsp(*arguments, "stage=cost")
        assert ended.status == 0, ended.err
        made = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert {path.name for path in made} <= {"multirun.yaml"}  # Hydra's own note
        return [line.partition("| ")[2] for line in ended.out.splitlines()]

    return run


def _number(lines, pattern):
    (found,) = [re.search(pattern, line)[1] for line in lines if re.search(pattern, line)]
    return float(found.replace(",", ""))


def test_a_base_cell_of_the_paper(dry):
    lines = dry("-m", "experiment=table2_formats", "scale=paper", "condition=full", "trainer.dry_run_device=A100")
    assert lines[0] == "python run.py seed=1 condition=full experiment=table2_formats scale=paper"
    assert lines[1] == "  published as table 2, FULL-SENTENCES; table 3, 256"
    assert _number(lines, r"parameters ([\d,]+):") == 110_106_428
    assert _number(lines, r"real tokens ([\d,]+) per update \(256.0 sequences\)") == 256 * 512
    assert "no prepared store" in "".join(lines)
    total = _number(lines, r"update, (\S+) in all")
    assert total == pytest.approx(1e6 * 256 * 512 * 589e6, rel=0.03)  # 6 x 85M + 12 L H T + the head at 15 %
    assert _number(lines, r"hours ([\d,.]+) .* 8 x A100 \(312 TFLOP/s") == pytest.approx(
        total / (8 * 312e12 * 0.4) / 3600, rel=0.01
    )
    assert "memory per device ~" in lines[5]


def test_the_preparation_of_the_papers_text_is_reckoned_from_what_was_measured(dry):
    """16 and 160 GB: ten times as much of everything but a worker's memory; ids of 2 bytes, a border per sentence."""
    small, large = (
        dry("corpus=wikipedia", "scale=paper", f"preparation.dry_run_gigabytes={size}", "trainer.dry_run_device=A100")
        for size in (16, 160)
    )
    pattern = r"preparation of .*: ~(\S+) tokens, (\S+) GB of disk .* and (\S+) GB .* (\S+) MB .* ~(\S+) hours"
    numbers = [
        tuple(map(float, re.search(pattern, line).groups())) for line in small + large if "preparation of" in line
    ]
    assert numbers[1] == pytest.approx([10 * n for n in numbers[0][:3]] + [numbers[0][3], 10 * numbers[0][4]], rel=0.1)
    tokens, stores, shards, worker, hours = numbers[1]
    assert tokens == pytest.approx(160e9 / 3.85, rel=0.01)
    assert stores == shards == pytest.approx(tokens * (2 + 8 / 29) / 1e9, rel=0.01)
    assert (worker, hours) == (92.0, pytest.approx(160e9 / (6.45e6 / 2) / 3600, rel=0.01))
    for by_engine in ("preparation=datatrove_local", "corpus.near_duplicates=remove"):
        lines = dry("corpus=wikipedia", by_engine, "preparation.dry_run_gigabytes=16")
        assert any("176 MB of memory per worker" in line for line in lines), by_engine


def test_a_prepared_store_gives_the_real_lengths(nsp, smoke_artifacts):
    small = ("scale=smoke", "stage=prepare", smoke_artifacts)
    assert nsp(*small).status == 0
    ended = nsp(*small, "trainer.dry_run=true")
    assert "the prepared store" in ended.out
    assert "hours" in ended.out
    other = nsp("scale=smoke", "stage=cost", smoke_artifacts).out.splitlines()
    assert other[1:4] == ended.out.splitlines()[1:4]  # the same word: parameters, tokens, FLOPs


def test_the_chain_is_shown_with_what_is_there_and_what_is_missing(nsp, smoke_artifacts):
    assert nsp("scale=smoke", "stage=prepare", smoke_artifacts).status == 0
    lines = nsp("scale=smoke", "stage=cost", "seed=77", smoke_artifacts).out.splitlines()
    chain = [line.split("chain: ")[1].split() for line in lines if "chain: " in line]
    assert [(name, state) for name, _, state in chain] == [
        *(("corpus", "there"), ("tokenizer", "there"), ("stores", "there")),
        *(("feed", "there"), ("encoder", "missing")),
    ]
    assert all(len(key) == 16 for _, key, _ in chain)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tokenizer=pretrained", "tokenizer.path=roberta-base"), ("tokenizer.path=roberta-base", "stage=prepare")),
        (("trainer.dry_run_device=A1000",), ("trainer.dry_run_device=A1000", "allowed")),
        (("trainer.max_tokens=100", "trainer.accumulation=1"), ("trainer.max_tokens=100", "max_length=96")),
    ],
)
def test_what_is_not_known_is_named(nsp, arguments, words):
    ended = nsp("trainer.dry_run=true", *arguments)
    assert ended.status != 0
    (line,) = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert all(word in line for word in words)


def test_a_gpu_that_is_not_there_and_not_named_has_no_hours(dry):
    lines = dry("scale=gpu", "seed=1")
    (line,) = [line for line in lines if "hours not known" in line]
    assert "trainer.dry_run_device" in line


def test_more_tokens_than_a_device_holds_are_accumulated(dry):
    lines = dry("model=base", "batch=8k", "trainer=gpu", "format=full")
    assert "128 micro-batches per update, <= 33,280 tokens each" in "".join(lines)
