"""In-context recall: targets are repeated words, and the measures agree with one forward pass a row."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm, load_tokenizer
from nsp_ablation.learning.probes.in_context_recall import measure
from nsp_ablation.learning.probes.recall_targets import choose_targets, content_words, continuing_tokens
from nsp_ablation.learning.tasks.metrics import standard_error
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore

TASK = TaskOptions("in_context_recall", "recall", metric="accuracy", num_frequent=0)
SENTENCES = [
    ["ann lives in oslo .", "ben is red .", "ann is in oslo ."],
    ["carl works .", "the dog is blue , the cat is blue ."],
    ["the bird is bad .", "no ."],
]


@pytest.fixture
def store(bert_directory):
    """The token store's arrays of SENTENCES."""
    backend = load_tokenizer(bert_directory).backend_tokenizer
    encoded = [[backend.encode(s, add_special_tokens=False).ids for s in document] for document in SENTENCES]
    lengths = [len(ids) for document in encoded for ids in document]
    ids = np.array([id for document in encoded for ids in document for id in ids], dtype=np.uint16)
    documents = np.cumsum([0, *(len(document) for document in encoded)])
    return ids, np.cumsum([0, *lengths]), documents


FRAME = Frame(32, 2, 3, 4, 0, 1, (0, 1, 2, 3, 4), 1000, False)


def test_texts_are_whole_sentences_of_one_document_two_tokens_shorter_than_inputs():
    ids = np.repeat(np.arange(5, 21), 2).astype(np.uint16)  # each token twice in a row
    store = TokenStore(ids, np.array([0, 3, 6, 9, 13, 30, 32]), np.array([0, 4, 6]), fingerprint="test")
    every, none = np.ones(1000, bool), np.zeros(1000, bool)
    task = replace(TASK, targets_per_input=9, num_inputs=None)
    targets = choose_targets(store, replace(FRAME, max_length=11), None, every, none, task)
    assert sorted(set(zip(targets.long.start.tolist(), targets.long.end.tolist(), strict=True))) == [
        *((0, 6), (6, 13)),  # 0-3-6-9-13: a sentence that does not fit opens the next input
        *((13, 20), (20, 27), (27, 32)),  # 13-30: longer than the capacity, cut
    ]


def choose(store, is_target, continues_word, targets_per_input=9, num_inputs=None, in_range=None):
    task = replace(TASK, targets_per_input=targets_per_input, num_inputs=num_inputs)
    return choose_targets(TokenStore(*store, fingerprint="test"), FRAME, in_range, is_target, continues_word, task)


def test_targets_are_the_repeated_words_of_each_input(store, bert_directory):
    tokenizer = load_tokenizer(bert_directory)
    continues_word, is_word = continuing_tokens(tokenizer)
    targets = choose(store, is_word, continues_word)
    words = [tokenizer.convert_ids_to_tokens(int(token)) for token in store[0][targets.position]]
    found = {start: {w for w, i in zip(words, targets.long.start, strict=True) if i == start} for start in (0, 14)}
    assert found == {0: {"ann", "is", "in", "oslo"}, 14: {"the", "is", "blue"}}
    assert len(words) == 7
    assert np.all(np.diff(targets.position) > 0)
    assert len(choose(store, is_word, continues_word, targets_per_input=2).position) == 4
    assert len({*choose(store, is_word, continues_word, num_inputs=1).long.start.tolist()}) == 1


words_of_documents = st.lists(
    st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=7), min_size=1, max_size=6), min_size=1, max_size=3
)


@given(words_of_documents, st.sampled_from([12, 16, 22]))
@settings(max_examples=200, deadline=None)
def test_in_a_pair_an_earlier_mention_stands_in_a_and_the_target_in_b(documents, in_range):
    store = TokenStore.from_documents(documents, 1000)
    every, none = np.ones(1000, bool), np.zeros(1000, bool)
    targets = choose_targets(store, FRAME, in_range, every, none, replace(TASK, num_inputs=None, targets_per_input=9))
    borders = {*store.sentence_offsets.tolist()}
    ends = store.sentence_offsets[store.document_offsets]
    for number, position in enumerate(targets.position.tolist()):
        token = store.ids[position]
        long, near = ([int(values[number]) for values in vars(one).values()] for one in (targets.long, targets.near))
        assert (store.ids[long[0] : long[1]] == token).sum() >= 2
        mentions = [at for at in range(long[0], position) if store.ids[at] == token]
        earlier = [at for at in mentions if any(at < border <= position for border in borders)]
        assert (long[2] >= 0) == bool(earlier)
        assert (near[0] >= 0) == (near[2] >= 0)
        for start, end, border in (long, near):
            if border >= 0:
                assert {border, end} <= borders
                assert np.searchsorted(ends, start, "right") == np.searchsorted(ends, end - 1, "right")
                assert start < border <= position < end
                assert token in store.ids[start:border]
        if near[0] >= 0:
            assert near[1] - near[0] <= in_range - 4
            assert {near[0], near[1]} <= borders | {long[0], long[1]}


def test_the_near_text_holds_the_nearest_earlier_mention_and_what_fits_around():
    sentences = [[9, 5, 6], [7, 8], [5, 10], [11, 12, 13], [5, 14, 15]]
    store = TokenStore.from_documents([sentences], 1000)
    only, none = np.arange(1000) == 5, np.zeros(1000, bool)

    def windows(in_range):
        targets = choose_targets(store, FRAME, in_range, only, none, TASK)
        return targets.position.tolist(), [int(one[0]) for one in vars(targets.near).values()]

    # 5 stands at 1, 5 and 10: mentions are 7 tokens (0-7) and 8 tokens (5-13) away
    assert windows(10) == ([windows(10)[0][0]], [-1, -1, -1])
    assert windows(11) == ([5], [0, 7, 3])  # one in range: A is 0-3, B 3-7
    position, near = windows(12)
    assert near == {5: [0, 7, 3], 10: [5, 13, 10]}[position[0]]
    position, near = windows(14)  # room for two further tokens, which come before, then after
    assert near == {5: [0, 10, 5], 10: [3, 13, 7]}[position[0]]


def test_pieces_of_words_are_no_targets(roberta_directory):
    tokenizer = load_tokenizer(roberta_directory)
    continues_word, is_word = continuing_tokens(tokenizer)
    backend = tokenizer.backend_tokenizer
    for text, expected in (("cat, cat.", True), ("cat cats", False), ("cats cats", False), ("cat (cat)", False)):
        ids = np.array(backend.encode(text, add_special_tokens=False).ids)
        store = (ids, np.array([0, len(ids)]), np.array([0, 1]))
        assert bool(len(choose(store, is_word, continues_word).position)) == expected, text


def test_content_words_are_rare_words(bert_directory):
    is_word = np.array([False, True, True, True])
    assert content_words(np.array([0, 1, 1, 2, 0, 0]), is_word, 2).tolist() == [False, False, True, True]


@pytest.fixture
def crowded(bert_directory):
    """Three documents of 28 tokens in which words stand up to seven times."""
    tokenizer, draw = load_tokenizer(bert_directory), np.random.default_rng(2)
    words = tokenizer.convert_tokens_to_ids(["oslo", "ann", "blue", "cat", "is", "lives"])
    ids = draw.choice(np.array(words, np.uint16), 3 * 28)
    assert min(np.bincount(ids[at : at + 28]).max() for at in (0, 28, 56)) > 5
    return ids, np.arange(0, 85, 7), np.arange(0, 13, 4)


def one_pass(model, layout, ids, window, position, is_pair, masks_copies):
    """The log-probabilities at a target, by `transformers` on one input."""
    start, end, border = window
    tokens = torch.tensor(ids[start:end].astype(np.int64))
    tokens[(tokens == int(ids[position])) if masks_copies else position - start] = layout.mask
    sep, at = torch.tensor([layout.sep]), position - start + 1
    row, types = torch.cat([torch.tensor([layout.cls]), tokens, sep]), torch.zeros(end - start + 2, dtype=torch.long)
    if is_pair:
        cut = border - start
        row = torch.cat([row[: cut + 1], *[sep] * layout.pair_separators, row[cut + 1 :]])
        types = (torch.arange(len(row)) >= cut + 1 + layout.pair_separators).long() * layout.second_type
        at += layout.pair_separators
    with torch.no_grad():
        return model(input_ids=row[None], token_type_ids=types[None]).logits[0, at].log_softmax(0)


@pytest.mark.parametrize(("separators", "second_type"), [(1, 0), (1, 1), (2, 0)])
@pytest.mark.parametrize("documents", ["store", "crowded"])
def test_measures_agree_with_one_pass_per_target(
    request, bert_directory, inputs_of, documents, separators, second_type
):
    store, model = request.getfixturevalue(documents), load_masked_lm(bert_directory).eval()
    inputs = inputs_of(bert_directory, 32, store, None)
    layout = replace(inputs.layout, pair_separators=separators, second_type=second_type)
    task = replace(TASK, in_range_tokens=20)
    outcome = measure(model, replace(inputs, layout=layout), task)
    continues_word, is_word = continuing_tokens(inputs.tokenizer)
    targets = choose_targets(inputs.heldout, inputs.frame, 20, is_word, continues_word, task)
    assert outcome.example_ids == [str(position) for position in targets.position]
    expected = {}
    for suffix, windows in (("", targets.long), ("_in_range", targets.near)):
        rows = list(zip(*vars(windows).values(), strict=True))
        for form in ("single", "pair"):
            gains, hits = [], []
            for position, window in zip(targets.position, rows, strict=True):
                if window[2 if form == "pair" else 0] < 0:
                    gains, hits = [*gains, np.nan], [*hits, np.nan]
                    continue
                seen, unseen = (
                    one_pass(model, layout, store[0], window, position, form == "pair", masks)
                    for masks in (False, True)
                )
                gains.append(float(seen[int(store[0][position])] - unseen[int(store[0][position])]))
                hits.append(float(seen.argmax() == int(store[0][position])))
            expected[f"recall_gain_{form}{suffix}"] = np.array(gains)
            expected[f"accuracy{'' if form == 'single' else '_pair'}{suffix}"] = np.array(hits)
    expected["recall_gain"] = (expected["recall_gain_single_in_range"] + expected["recall_gain_pair_in_range"]) / 2
    assert {*outcome.items} == {*expected}
    for name, values in expected.items():
        np.testing.assert_allclose(outcome.items[name], values, atol=1e-5, err_msg=name)
        assert outcome.metrics[name] == pytest.approx(np.nanmean(values), abs=1e-5), name
    finite = ~np.isnan(expected["recall_gain"])
    assert 0 < finite.sum() < len(finite), "some targets have no earlier mention in range, and some have"
    assert outcome.metrics["num_targets_in_range"] == finite.sum()
    error = standard_error(expected["recall_gain"][finite], np.array(outcome.clusters)[finite])
    assert outcome.metrics.get("recall_gain_standard_error") == (
        None if error is None else pytest.approx(error, rel=1e-3)
    )
    assert outcome.scores.tolist() == expected["accuracy"].tolist()
    words, counts = np.unique(store[0][targets.position], return_counts=True)
    assert outcome.baselines.chance == 1 / len(words)
    assert outcome.baselines.majority == counts.max() / counts.sum()


def test_target_ids_alone_are_asked_for_where_the_corpus_names_some(store, bert_directory, inputs_of):
    model, tokenizer = load_masked_lm(bert_directory).eval(), load_tokenizer(bert_directory)
    asked = np.array([tokenizer.convert_tokens_to_ids(word) for word in ("oslo", "ann", "blue")])
    outcome = measure(model, inputs_of(bert_directory, 32, store, asked), TASK)
    assert {int(store[0][int(example)]) for example in outcome.example_ids} == {*asked.tolist()}


def test_by_recall_gain_the_examples_are_those_in_range(store, bert_directory, inputs_of):
    model, inputs = load_masked_lm(bert_directory).eval(), inputs_of(bert_directory, 32, store)
    every = measure(model, inputs, replace(TASK, in_range_tokens=22))
    outcome = measure(model, inputs, replace(TASK, in_range_tokens=22, metric="recall_gain"))
    assert len(outcome.example_ids) == every.metrics["num_targets_in_range"] < len(every.example_ids)
    assert outcome.scores.mean() == pytest.approx(every.metrics["recall_gain"])
    assert outcome.baselines.chance is None
    with pytest.raises(ValueError, match="no word stands twice in two sentences in a held-out input of 10 tokens"):
        measure(model, inputs, replace(TASK, in_range_tokens=10, metric="recall_gain"))


@pytest.mark.parametrize("range_", [{"short_share": 0.0}, {"in_range_tokens": 32}, {"in_range_tokens": 64}])
def test_where_all_of_t_is_in_range_both_forms_are_measured_once(store, bert_directory, inputs_of, range_):
    outcome = measure(
        load_masked_lm(bert_directory).eval(), inputs_of(bert_directory, 32, store), replace(TASK, **range_)
    )
    counts = ~np.isnan(outcome.items["recall_gain_pair"])
    assert counts.any()
    for form in ("single", "pair"):
        long, near = (outcome.items[f"recall_gain_{form}{suffix}"] for suffix in ("", "_in_range"))
        assert near[counts].tolist() == long[counts].tolist()
    assert np.isnan(outcome.items["recall_gain"]).tolist() == (~counts).tolist()


def test_nothing_repeated_and_foreign_ids_are_errors(store, bert_directory, inputs_of):
    model = load_masked_lm(bert_directory).eval()
    with pytest.raises(ValueError, match="no word stands twice in a held-out input of 8 tokens"):
        measure(model, inputs_of(bert_directory, 8, (store[0][:9], store[1][:3], [0, 2])), TASK)
    with pytest.raises(ValueError, match="another vocabulary than the held-out documents' tokenizer"):
        measure(model, inputs_of(bert_directory, 32, (store[0] + 999, *store[1:])), TASK)


def test_every_architecture_is_probed(roberta_directory, prelayernorm_directory, inputs_of):
    for directory in (roberta_directory, prelayernorm_directory):
        ids = load_tokenizer(directory).backend_tokenizer.encode("cat, cat.", add_special_tokens=False).ids
        inputs = inputs_of(directory, 32, (ids, [0, 4], [0, 1]))
        assert measure(load_masked_lm(directory).eval(), inputs, TASK).metrics["num_targets"] == 1.0


def test_the_standard_error_counts_inputs_and_not_targets():
    draw = np.random.Generator(np.random.Philox(1))
    values, each = draw.normal(size=400), np.arange(400)
    assert standard_error(values, each) == pytest.approx(values.std(ddof=1) / np.sqrt(400))
    copies = np.repeat(values, 4)
    assert standard_error(copies, np.repeat(each, 4)) == pytest.approx(standard_error(values, each))
    assert standard_error(copies, np.arange(1600)) == pytest.approx(standard_error(values, each) / 2, rel=0.01)
    assert standard_error(values, np.zeros(400, int)) is None
