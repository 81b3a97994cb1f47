"""Inspection in the terminal: samples piece by piece, and the statistics of an epoch."""

import dataclasses
import re

import numpy as np
import pytest

from nsp_ablation.options.output_options import InspectOptions
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.samples.inspection.inspect_terminal import block_rows, pair_rows
from nsp_ablation.stages.cell import CellRun
from nsp_ablation.stages.inspect import run
from nsp_ablation.text.store.token_store import TokenStore

SHOWN = InspectOptions(output=None, figure=None, num_samples="8", epoch=1)
EVERY_FORMAT = (
    *("sample 0", "samples per epoch", "fill", "padding", "corpus tokens read per epoch", "real tokens per update"),
    *("passes over the corpus", "exposures per mask", "length in tokens"),
)
PAIRS = (
    "P(random next)",
    "mean tokens of A and of B",
    "mean sentences of A and of B",
    "pairs cut inside a sentence",
    "sentences left out",
)
BLOCKS = ("mean sentences per sample", "mean documents per sample", "samples that cross a document border")


@pytest.fixture
def printed(composed, capsys, monkeypatch):
    """printed("full", columns=80, ...): what the stage prints in a terminal of so many columns."""

    def printing(name, columns=80, **settings):
        monkeypatch.setenv("COLUMNS", str(columns))
        config = dataclasses.replace(composed(name), **{"inspect": SHOWN, **settings})
        feed_of(config).stores.make()
        capsys.readouterr()  # what is built on first use is told with its path
        run(CellRun(config, [], []))
        return capsys.readouterr().out

    return printing


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair", "full", "doc"])
def test_samples_and_statistics_fit_the_terminal(printed, name, columns):
    text = printed(name, columns)
    for words in (*EVERY_FORMAT, *(PAIRS if "pair" in name else BLOCKS)):
        assert words in text
    assert max(map(len, text.splitlines())) <= columns


def test_a_pipe_gets_no_colours_and_marks_say_the_same(printed, inspected):
    text = printed("segment_pair")
    assert "\x1b" not in text
    header, rows = inspected("segment_pair")
    columns = [zip(row["masked_input_ids"], row["labels"], strict=True) for row in rows[:8]]
    targets = [(after, label) for column in columns for after, label in column if label != -100]
    num_hidden = sum(after == header["special_token_ids"]["mask"] for after, _ in targets)
    num_kept = sum(after == label for after, label in targets)
    samples = text[: text.index("targets:")]
    assert len(re.findall(r"\[[^\]\s]+\]", samples)) == num_hidden
    assert samples.count("→") == len(targets) - num_hidden - num_kept > 0
    assert samples.count("=") == num_kept > 0
    assert [line.split(":")[0].strip() for line in samples.splitlines() if ": document" in line] == ["A", "B"] * 8


def test_a_terminal_gets_colours(printed, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    text = printed("sentence_pair")
    for code in ("\x1b[36m", "\x1b[35m", "\x1b[1;4;33m["):  # A, B, a masked word
        assert code in text


def test_how_often_each_mask_is_seen(printed, composed):
    config = composed("full")
    masking = dataclasses.replace(config.masking, name="static", copies=2)
    many = dataclasses.replace(config.pretraining, max_steps=1000)
    text = printed("full", masking=masking, pretraining=many)
    epochs = float(re.search(r"epochs \(passes over the samples\) +([\d.]+)", text)[1])
    seen = float(re.search(r"exposures per mask +([\d.]+) \(2 masks", text)[1])
    assert seen == pytest.approx(epochs / 2, abs=0.1)
    assert seen > 2
    assert re.search(r"exposures per mask +1\.0 \(a new mask in every epoch\)", printed("full", pretraining=many))


@pytest.fixture(scope="module")
def small_store():
    """Document 0: sentences [0, 3) and [3, 5); document 1: [5, 9) and [9, 10)."""
    return TokenStore.from_documents([[[1, 1, 1], [2, 2]], [[3, 3, 3, 3], [4]]], vocab_size=9)


def index_of_spans(spans, offsets, *, is_pair):
    separators = np.ones(len(spans), np.uint8)
    return SampleIndex(np.array(spans), separators, np.array(offsets), is_pair, None, None, 0, 0, "")


def test_statistics_of_pairs_by_hand(small_store):
    # A = sentence 0, B = sentence 1; A = sentences 0 and 1, B = sentence 2 without its first token
    index = index_of_spans([[0, 3], [3, 5], [0, 5], [6, 9]], [0, 2, 4], is_pair=True)
    found = list(pair_rows(small_store, index).values())
    assert found[:3] == ["4.0 and 2.5", "1.50 and 1.00", "50.0% (0 tokens trimmed)"]


def test_statistics_of_blocks_by_hand(small_store):
    # one block of document 0 and a sentence of 1, a span a sentence; one block of the rest
    index = index_of_spans([[0, 3], [3, 5], [5, 9], [9, 10]], [0, 3, 4], is_pair=False)
    found = list(block_rows(small_store, index).values())
    assert found[:3] == ["2.00", "1.50 (at most 2)", "50.0%"]
