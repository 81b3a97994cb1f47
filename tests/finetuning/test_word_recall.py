"""Word recall scores whole words as one pass a token does, and as a copying or an indifferent encoder must score."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForPreTraining

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm, load_tokenizer
from nsp_ablation.learning.probes.in_context_recall import _gains
from nsp_ablation.learning.probes.probe_inputs import NoExamplesError
from nsp_ablation.learning.probes.recall_targets import Windows
from nsp_ablation.learning.probes.word_recall import _targets, measure, num_examples
from nsp_ablation.learning.tasks.metrics import standard_error
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore

TASK = TaskOptions("word_recall", "word_recall", metric="accuracy", num_frequent=0, num_inputs=None)
DOCUMENTS = [
    ["ann lives in oslo.", "ben is red.", "ann is in oslo, ann."],
    ["the dog is blue, the cat is blue.", "carl, a cat, cat works."],
    ["dora, the dora."],
]


@pytest.fixture
def inputs_with(inputs_of):
    """inputs_with(directory, documents, max_length, **) -> what a probe of an encoder is given of these texts."""

    def make(directory, documents, max_length=32, words=None):
        encode = load_tokenizer(directory).backend_tokenizer.encode
        own = [[encode(text, add_special_tokens=False).ids for text in sentences] for sentences in documents]
        store = TokenStore.from_documents(own, 1 << 16)
        arrays = store.ids, store.sentence_offsets, store.document_offsets
        return inputs_of(directory, max_length, arrays, words=words)

    return make


def reference(model, layout, tokenizer, documents, example_id, max_words):
    """Gain and accuracy of an example by one forward pass of `transformers` a token, from the texts themselves."""
    document, sentence, word, occurrence = re.fullmatch(r"(\d+)-(\d+)-(\w+)-(\d+)", example_id).groups()
    texts, total = [], 0
    for number, text in enumerate(documents[int(document)]):  # the text that holds the sentence
        length = len(re.findall(r"\w+|[^\w\s]", text))
        if total + length > max_words:
            if number > int(sentence):
                break
            texts, total = [], 0
        texts, total = [*texts, (number, text)], total + length
    ids, mine, others = [], None, []
    for number, text in texts:
        encoding = tokenizer.encode(text, add_special_tokens=False)
        for seen, match in enumerate(re.finditer(rf"(?i)\b{word}\b", text)):
            tokens = [
                len(ids) + n
                for n, (start, end) in enumerate(encoding.offsets)
                if start < match.end() and end > match.start()
            ]
            if encoding.tokens[tokens[0] - len(ids) - 1] == "Ġ":
                tokens = [tokens[0] - 1, *tokens]
            if (number, seen) == (int(sentence), int(occurrence)):
                mine = tokens
            else:
                others.append(tokens)
        ids += encoding.ids
    total, is_right = [], True
    for hides in (False, True):
        likelihood = 0.0
        for place in mine:
            row = torch.tensor([[layout.cls, *ids, layout.sep]])
            for hidden in [*range(place, mine[-1] + 1), *(n for other in others if hides for n in other)]:
                row[0, hidden + 1] = layout.mask
            with torch.no_grad():
                logits = model(input_ids=row).logits[0, place + 1]
            likelihood += float(logits.log_softmax(0)[ids[place]])
            is_right &= hides or int(logits.argmax()) == ids[place]
        total.append(likelihood)
    return total[0] - total[1], float(is_right), len(mine)


@pytest.mark.parametrize("kind", ["bert_directory", "roberta_directory"])
def test_scores_agree_with_one_pass_per_token(request, inputs_with, kind):
    directory = request.getfixturevalue(kind)
    inputs = inputs_with(directory, DOCUMENTS, 130)
    task = replace(TASK, max_words=16)
    model, tokenizer = load_masked_lm(directory).eval(), inputs.tokenizer.backend_tokenizer
    outcome = measure(model, inputs, task)
    rows = [reference(model, inputs.layout, tokenizer, DOCUMENTS, example_id, 16) for example_id in outcome.example_ids]
    gains, hits, sizes = np.array(rows).T
    np.testing.assert_allclose(outcome.items["word_gain"], gains, atol=2e-5)
    assert outcome.items["accuracy"].tolist() == hits.tolist()
    assert len(rows) == num_examples(inputs, task) == outcome.metrics["num_targets"] > 6
    assert outcome.metrics["num_split"] == (sizes > 1).sum() > 0
    assert outcome.metrics["num_cut"] == 0
    assert np.abs(gains).min() > 1e-4, "a gain that is none shows nothing"
    assert outcome.scores.tolist() == outcome.items["accuracy"].tolist()
    assert outcome.clusters == [example_id.split("-")[0] for example_id in outcome.example_ids]
    assert outcome.metrics["word_gain_standard_error"] == standard_error(
        outcome.items["word_gain"], np.array(outcome.clusters)
    )
    words, counts = np.unique([example_id.split("-")[2] for example_id in outcome.example_ids], return_counts=True)
    assert (outcome.baselines.chance, outcome.baselines.majority) == (1 / len(words), counts.max() / counts.sum())


def test_words_of_one_token_score_as_in_context_recall_scores_them(bert_directory, inputs_with):
    documents = [["ann lives in oslo .", "ben is red .", "ann is in oslo ."], ["the cat , the cat ."]]
    inputs, model = inputs_with(bert_directory, documents), load_masked_lm(bert_directory).eval()
    targets = [target for target in _targets(inputs, TASK) if len(target.word_tokens) == 1]
    assert len(targets) > 4
    ids, borders = np.asarray(inputs.heldout.ids), inputs.heldout.sentence_offsets[inputs.heldout.document_offsets]
    documents_of = np.array([target.document for target in targets])
    start, end = borders[documents_of], borders[documents_of + 1]
    position = start + np.array([target.start for target in targets])
    windows, every = Windows(start, end, np.full(len(start), -1)), np.ones(len(start), bool)
    gain, guess = _gains(model, position, windows, every, ids, inputs.layout, False)
    outcome = measure(model, inputs, TASK)
    assert outcome.items["word_gain"].tolist() == pytest.approx(gain.tolist(), abs=1e-6)
    assert outcome.items["accuracy"].tolist() == (guess == ids[position]).tolist()


def crafted(inputs, distance, reads_others):
    """A BERT whose first guess at each position is the token `distance` positions before or behind it, of a text that
    is that long twice; one that does not read others guesses what stands there itself."""
    num_ids, num_positions = len(inputs.tokenizer), 32
    width = num_ids + num_positions
    config = BertConfig(
        vocab_size=num_ids, hidden_size=width, num_hidden_layers=1, num_attention_heads=1, intermediate_size=1,
        max_position_embeddings=num_positions, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        hidden_act="relu", tie_word_embeddings=False,
    )  # fmt: skip
    model = BertForPreTraining(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if "LayerNorm.weight" in name else 0.0)
        words, places = torch.eye(width)[:, :num_ids], torch.eye(width)[:, num_ids:]
        model.bert.embeddings.word_embeddings.weight.copy_(words.T)
        model.bert.embeddings.position_embeddings.weight.copy_(places.T)
        attention = model.bert.encoder.layer[0].attention
        shifts = torch.zeros(num_positions, num_positions)
        for place in range(num_positions):
            for other in (place - distance, place + distance):
                if 1 <= other <= 2 * distance:
                    shifts[other, place] = 1.0
        attention.self.query.weight.copy_(places @ shifts @ places.T * 30)
        attention.self.key.weight.copy_(places @ places.T * 30)
        attention.self.value.weight.copy_(words @ words.T)
        attention.output.dense.weight.copy_(torch.eye(width) * 4 * reads_others)
        model.cls.predictions.transform.dense.weight.copy_(torch.eye(width))
        model.cls.predictions.decoder.weight.copy_(words.T * 3)
    return model


@pytest.fixture(params=["bert_directory", "roberta_directory"])
def twice(request, inputs_with):
    """A text of two equal sentences, and how many tokens one has."""
    directory = request.getfixturevalue(request.param)
    documents = [["cat dora cat"] * 2]
    inputs = inputs_with(directory, documents)
    return inputs, int(inputs.heldout.sentence_offsets[1])


def test_an_encoder_that_copies_a_visible_mention_finds_each_word_and_one_that_ignores_context_gains_nothing(twice):
    inputs, distance = twice
    for values in (("dora",), None):
        own = replace(inputs, target_words=values)
        copying, ignoring = (measure(crafted(inputs, distance, reads), own, TASK) for reads in (True, False))
        assert copying.metrics["accuracy"] == 1
        assert min(copying.items["word_gain"]) > 1
        assert ignoring.items["word_gain"].tolist() == [0.0] * len(ignoring.example_ids)
        assert ignoring.metrics["accuracy"] == 0
    assert copying.example_ids == ignoring.example_ids


def test_both_forms_are_equal_but_for_the_other_mentions(bert_directory, inputs_with):
    inputs, model = inputs_with(bert_directory, DOCUMENTS), load_masked_lm(bert_directory).eval()
    seen = []
    model.bert.embeddings.word_embeddings.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    outcome = measure(model, inputs, TASK)
    shown, hidden = (
        torch.cat([*map(torch.flatten, half)]).numpy() for half in (seen[: len(seen) // 2], seen[len(seen) // 2 :])
    )
    differs = shown != hidden
    assert set(hidden[differs]) == {inputs.layout.mask}
    targets = {target.id: target for target in _targets(inputs, TASK)}
    assert [*targets] == outcome.example_ids
    changed = 0
    for target in targets.values():
        words = {
            tuple(target.ids[start : start + len(target.word_tokens)])
            for start in np.flatnonzero(target.other)[:: len(target.word_tokens)]
        }
        assert words == {tuple(target.word_tokens)}, "lower-case letters: a mention has the tokens of the word"
        changed += len(target.word_tokens) * target.other.sum()
    assert differs.sum() == changed > 20
    assert (shown == inputs.layout.mask).sum() == sum(
        length * (length + 1) // 2 for length in (len(target.word_tokens) for target in targets.values())
    )


def test_a_text_that_is_too_long_in_tokens_is_cut_round_its_target_and_stays_an_example(roberta_directory, inputs_with):
    filler = "x" * 9
    documents = [[f"cat {filler} dora cat {filler} {filler} dora."]]
    task, model = replace(TASK, max_words=20), load_masked_lm(roberta_directory).eval()
    found = {}
    for max_length in (60, 40, 24, 10):
        inputs = inputs_with(roberta_directory, documents, max_length, words=("cat", "dora"))
        targets = {target.word: target for target in _targets(inputs, task)}
        outcome = measure(model, inputs, task)
        found[max_length] = outcome.example_ids
        for word, target in targets.items():
            decoded = inputs.tokenizer.backend_tokenizer.decode(target.ids.tolist())
            assert len(target.ids) <= max_length - 2
            assert inputs.tokenizer.backend_tokenizer.decode(target.word_tokens.tolist()).strip() == word
            distance = {"cat": 17, "dora": 31}[word]  # of tokens, from the one mention's beginning to the other's end
            assert (target.other.sum() > 0) == (distance <= max_length - 2), (word, decoded)
            if not target.other.any():
                assert outcome.items["word_gain"][outcome.example_ids.index(target.id)] == 0
        assert outcome.metrics["num_cut"] == (0 if max_length == 60 else 2)
    assert len({tuple(ids) for ids in found.values()}) == 1


def test_what_cannot_be_asked_is_refused_with_what_helps(bert_directory, roberta_directory, inputs_with):
    model = load_masked_lm(bert_directory).eval()
    lonely = inputs_with(bert_directory, [["ann lives .", "ben is red ."]])
    with pytest.raises(
        NoExamplesError, match=r"tasks\.word_recall: no word .* of 16 words together; raise .*max_words"
    ):
        measure(model, lonely, replace(TASK, num_frequent=1))
    far = inputs_with(bert_directory, [["ann lives .", "ann is red ."]])
    for max_words, number in ((6, 0), (7, 1)):
        task, asked = replace(TASK, max_words=max_words), replace(far, target_words=("Ann",))
        if number:
            assert num_examples(asked, task) == number
        else:
            with pytest.raises(NoExamplesError):
                num_examples(asked, task)
    documents, long = [["dora dora ."]], replace(TASK, max_words=9)
    with pytest.raises(NoExamplesError, match=r"the word 'dora' has 5 tokens, and an input of max_length=6 holds 4"):
        num_examples(inputs_with(roberta_directory, documents, 6), long)
    assert num_examples(inputs_with(roberta_directory, documents, 7), long) == 1
    with pytest.raises(ValueError, match="another vocabulary than the held-out documents' tokenizer"):
        measure(model, inputs_with(roberta_directory, [["cat cat cat"]]), TASK)


def test_the_share_of_words_is_that_of_the_configurations_length(bert_directory, inputs_with):
    inputs = inputs_with(bert_directory, [["ann lives .", "ben is red .", "ann is red ."]], 20)
    assert num_examples(replace(inputs, target_words=("ann",)), replace(TASK, words_share=0.55)) == 1
    with pytest.raises(NoExamplesError, match="of 10 words"):
        num_examples(replace(inputs, target_words=("ann",)), TASK)
