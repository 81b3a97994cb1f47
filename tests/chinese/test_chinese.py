"""Chinese, from text without spaces to scored answers, with byte-level BPE and WordPiece."""

import json
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.cells import cell_len

from nsp_ablation.learning.finetuning import span_head
from nsp_ablation.learning.tasks import span_qa
from nsp_ablation.learning.tasks.examples import SpanAnswer, SpanExample
from nsp_ablation.learning.tasks.task_kind import read_task
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.samples.inspection.contract import sample_rows
from nsp_ablation.samples.inspection.formats_figure import figure
from nsp_ablation.samples.inspection.formats_page import make_page
from nsp_ablation.samples.inspection.input_tokens import InputToken, TokenNames, marked_text
from nsp_ablation.text.corpus.sentences import split_sentences

TOKENIZERS = ("bbpe", "wordpiece")
TASK = TaskOptions("cmrc2018", "span_qa", metric="f1", scoring="cmrc")


def test_sentences_end_at_chinese_marks_also_in_speech():
    speech = ["“你喜欢北京吗？”", "朋友问。"]
    sentences = ["王伟出生于1990年。", "他住在北京，是一名老师！", "王伟用iPhone 6s手机。", *speech]
    assert split_sentences("".join(sentences), "zh", one_per_line=False, quotations=True) == sentences


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_a_store_holds_every_character(chinese, chinese_files, tokenizer):
    read = chinese(tokenizer)
    store = read.feed.store
    borders = np.asarray(store.sentence_offsets)[np.asarray(store.document_offsets)]
    documents = [read.tokenizer.decode(store.ids[a:b].tolist()) for a, b in zip(borders[:-1], borders[1:], strict=True)]
    texts = [json.loads(line)["text"] for line in (chinese_files / "zh.jsonl").read_text().splitlines()]
    without_spaces = {"".join(text.split()) for text in texts}
    assert {"".join(document.split()) for document in documents} <= without_spaces
    assert len(documents) > 150
    assert store.num_sentences == 5 * store.num_documents


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_makes_inputs_of_chinese(chinese, tokenizer, format_name):
    read = chinese(tokenizer, format_name)
    index = read.feed.index_of(1)
    assert len(index.lengths()) > 20
    assert 8 < index.lengths().max() <= 40
    if not FORMATS[format_name].is_pair:
        assert np.diff(index.spans, axis=1).sum() + index.trimmed_tokens == len(read.feed.store.ids)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_whole_words_never_part_the_pieces_of_a_character(chinese, tokenizer):
    read = chinese(tokenizer, unit="whole_word")
    feed, num_inside, num_between = read.feed, 0, 0
    index = feed.index_of(1)
    samples = np.arange(0, len(index.lengths()), 5)
    for row in sample_rows(feed.store, index, feed.frame, feed.masks, 1, samples):
        ids, chosen, special = row["input_ids"], np.array(row["labels"]) != -100, row["special_tokens_mask"]
        for token in range(1, len(ids) - 2):
            if special[token] or special[token + 1]:
                continue
            if read.tokenizer.decode(ids[1 : token + 1]).endswith("\ufffd"):
                assert chosen[token] == chosen[token + 1], (row["sample"], token)
                num_inside += 1
            else:
                num_between += chosen[token] != chosen[token + 1]
    assert num_between > 20
    assert (num_inside > 20) == (tokenizer == "bbpe")


def predictions(read, examples, features) -> list[SpanAnswer]:
    """Return the answers that the head's decoding gives where the model finds every reference."""
    targets = features.targets
    found = targets["is_answerable"] == 1
    outputs = {
        "start": targets["start_positions"][:, None],
        "end": targets["end_positions"][:, None],
        "score": found.astype(float)[:, None],
        "answerable": np.where(found, 1.0, -1.0),
    }
    return span_head.decode(examples, features, outputs)


@pytest.mark.parametrize("max_length", [40, 200])
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_answers_come_back_as_substrings_of_the_context(chinese, chinese_files, tokenizer, max_length):
    read = chinese(tokenizer)
    task = replace(TASK, path=str(chinese_files), dev_file="cmrc2018_dev.json")
    examples = read_task(task, "dev")
    features = span_qa.featurize(examples, read.tokenizer, read.layout(max_length), task)
    assert (len(features.example) > len(examples)) == (max_length == 40)
    told = predictions(read, examples, features)
    answers, exact = [answer.text for answer in told], 0
    for example, answer in zip(examples, answers, strict=True):
        reference = example.answers[0][0]
        if not answer and max_length == 40:  # a window holds no answer that is longer than its stride
            continue
        # tokens of several characters may hold more than the answer: then all of them that it touches
        offsets = offsets_of(read.tokenizer, example.context)
        first, last = span_qa.answer_tokens(example, offsets)
        assert answer == example.context[offsets[first, 0] : offsets[last, 1]].strip()
        assert reference in answer
        exact += reference == answer
    assert exact > (0.9 if tokenizer == "wordpiece" else 0.3) * len(examples)
    outcome = span_qa.score(examples, told, task)
    assert outcome.metrics["exact_match"] * len(examples) == pytest.approx(exact)
    assert outcome.metrics["f1"] > (0.9 if tokenizer == "wordpiece" else 0.6)
    assert outcome.predictions == dict(zip([example.id for example in examples], answers, strict=True))


def test_a_character_of_several_tokens_is_an_answer_wherever_a_window_cuts_it(chinese):
    read = chinese("bbpe")
    context = "鑫龘是一个人。" * 3  # two characters that training never saw: three bytes and as many tokens each
    example = SpanExample("q", "谁？", context, (("龘", 1),))
    ids = read.tokenizer.encode("龘", add_special_tokens=False).ids
    assert len(ids) >= 3
    for max_length in range(16, 40):
        features = span_qa.featurize([example], read.tokenizer, read.layout(max_length), TASK)
        characters = features.characters
        assert ((characters[:, 1] - characters[:, 0]) >= 0).all()
        first, last = span_qa.answer_tokens(example, offsets_of(read.tokenizer, context))
        assert last - first + 1 >= 3
        assert [answer.text for answer in predictions(read, [example], features)] == ["龘"]


def offsets_of(tokenizer, text: str) -> np.ndarray:
    return np.array(tokenizer.encode(text, add_special_tokens=False).offsets)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_texts_of_the_figure_are_as_long_as_their_columns_and_never_overlap(chinese, tokenizer):
    read = chinese(tokenizer, "segment_pair")
    page = make_page(
        *(read.feed.store, read.feed.frame, read.feed.masks, read.config.format, "mlm_nsp"), seed=1, epoch=1
    )
    svg = ElementTree.fromstring(figure(page, TokenNames(read.link.stores.vocabulary.make()), "caption"))
    lines: dict[str, list[tuple[float, float]]] = {}
    num_wide = 0
    for element in svg.iter("{http://www.w3.org/2000/svg}text"):
        start, length = float(element.get("x")), float(element.get("textLength"))
        assert length == pytest.approx(12.2 * cell_len(element.text), abs=0.11), element.text
        lines.setdefault(element.get("y"), []).append((start, start + length))
        is_wide = [cell_len(character) == 2 for character in element.text]
        assert all(is_wide) or not any(is_wide)
        num_wide += all(is_wide)
    assert num_wide > 30
    for extents in lines.values():
        extents.sort()
        assert all(end <= start + 0.2 for (_, end), (start, _) in pairwise(extents))


def test_pieces_of_a_character_are_shown_together_where_the_model_reads_them_alike(chinese):
    read = chinese("bbpe")
    vocabulary = TokenNames(read.link.stores.vocabulary.make())
    ids = read.tokenizer.encode("龘", add_special_tokens=False).ids
    assert len(ids) >= 3
    marks = dict.fromkeys(("mask", "random", "kept"), "")

    def shown(*kinds: str) -> str:
        tokens = [InputToken(kind, token, token, 0) for kind, token in zip(kinds, ids[-len(kinds) :], strict=True)]
        return marked_text(tokens, vocabulary, marks, "").plain

    number = len(ids)
    assert shown(*["text"] * number).strip("Ġ ") == "龘"
    assert "龘" in shown(*["mask"] * number)
    assert "龘" not in shown(*["text"] * (number - 1), "mask")
    assert shown(*["random"] * number).count("→") == number


def test_no_space_is_shown_between_chinese_characters(chinese):
    read = chinese("wordpiece")
    vocabulary = TokenNames(read.link.stores.vocabulary.make())
    ids = read.tokenizer.encode("他住在北京", add_special_tokens=False).ids
    tokens = [InputToken("text", token, token, 0) for token in ids]
    assert marked_text(tokens, vocabulary, {}, "").plain == "他住在北京"


@pytest.mark.slow
def test_a_chinese_encoder_is_evaluated_by_one_command(nsp, chinese_files, tmp_path):
    words = ("corpus=jsonl", f"corpus.path={chinese_files}/zh.jsonl", "corpus.language=zh", "tokenizer=wordpiece")
    tasks = ("tasks=[cmrc2018]", f"tasks.cmrc2018.path={chinese_files}", "finetuning.max_steps=2", "scale=smoke")
    sizes = ("tokenizer.vocab_size=130", "max_length=64", "masking.unit=whole_word", "name=zh")
    ended = nsp(*words, *tasks, *sizes, "finetuning.untrained_row=false")
    assert ended.status == 0, ended.err
    (path,) = (tmp_path / "results/zh/records").glob("*.json")
    record = json.loads(path.read_text())
    assert (record["task"], record["num_examples"], record["primary_metric"]) == ("cmrc2018", 60, "f1")
    assert 0 < record["bag_of_words"] <= 1
    assert 0 < record["chance"] < 1
    predictions = json.loads((tmp_path / f"results/zh/predictions/{path.name}").read_text())
    examples = read_task(replace(TASK, path=str(chinese_files), dev_file="cmrc2018_dev.json"), "dev")
    contexts = {example.id: example.context for example in examples}
    assert all(answer in contexts[id] for id, answer in predictions.items())
