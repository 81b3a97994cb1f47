"""The examples of word recall are the same ones under every tokenizer, with whatever WordPiece lacks in the text."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.learning.probes.word_targets import choose_texts, read_words, words_to_ask_for
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore
from nsp_ablation.text.tokenization.basic_words import UNKNOWN, WordReader
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, train_tokenizer

TASK = TaskOptions("word_recall", "word_recall", metric="accuracy", num_frequent=0, num_inputs=None)


def store_of(tokenizer, documents):
    """Documents as a token store has them: what has no token is not there."""
    tokenizer.encode_special_tokens = True
    own = [[tokenizer.encode(text, add_special_tokens=False).ids for text in sentences] for sentences in documents]
    kept = [[ids for ids in sentences if ids] for sentences in own]
    return TokenStore.from_documents([sentences for sentences in kept if sentences], 1 << 16)


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory):
    """Byte-level BPE, and WordPiece, which lacks the letters of PLAIN's last words and those of RARE."""
    made, root = {}, tmp_path_factory.mktemp("vocabularies")
    for name, options in {
        "bbpe": TokenizerOptions("bbpe", 330),
        "wordpiece": TokenizerOptions("wordpiece", 110, lowercase=True, max_alphabet=36),
        "cased": TokenizerOptions("wordpiece", 140),
    }.items():
        train_tokenizer(options, iter([" ".join(sentences) for sentences in PLAIN] * 3), root / name)
        tokenizer = load_tokenizer(root / name)
        made[name] = tokenizer, WordReader(tokenizer)
    return made


PLAIN = [
    ["A fox met Mara in Zürich in 1907; Mara fed the fox.", "The fox of Zu\u0308rich wasn't there, it wasn't."],
    ["“Naïve cafés,” said Ben.", "Cafés naïve: 1907 and 1907, x2 x2.", "The dog's in 東京, 東 and 京.", "(No dog.)"],
    ["Über der Brücke über dem Fluss.", "A bridge, a FOX; the fox and the dog.", "Mara, Ben, Mara."],
]
RARE = ["þing", "∂", "smørbrød", "a∂b", "\U0001f600", "łódź", "\ufffd", "q" * 120]
ASKED = replace(TASK, min_character_share=0.05, max_letters=20)


def chosen(vocabulary, documents, task=ASKED, max_words=24, values=None):
    tokenizer, reader = vocabulary
    store = store_of(tokenizer, documents)
    read = read_words(store, reader, task.heldout_words)
    return choose_texts(read, words_to_ask_for(read, values, task), max_words, task)


def example_ids(*args, **kwargs):
    return [example_id for text in chosen(*args, **kwargs) for example_id in text.targets]


rare_words = st.lists(st.tuples(st.sampled_from(RARE), st.integers(0, 60)), max_size=5)


@given(
    st.lists(st.sampled_from([text for sentences in PLAIN for text in sentences]), min_size=1, max_size=6),
    rare_words,
    st.sampled_from([8, 16, 40]),
    st.sampled_from([0, 3]),
)
@settings(max_examples=25, deadline=None)
def test_examples_do_not_depend_on_the_tokenizer(vocabularies, drawn, rare, max_words, num_frequent):
    """With words that WordPiece lacks anywhere, alone, repeated, and glued to others."""
    more = list(drawn)
    for word, place in rare:
        number = place % len(more)
        text = more[number]
        at = place % (len(text) + 1)
        more[number] = f"{text[:at]} {word}{text[at:]}"
    documents, task = [*PLAIN, more, ["\ufffd"], *PLAIN[:1]], replace(ASKED, num_frequent=num_frequent)
    found = {name: example_ids(one, documents, task, max_words) for name, one in vocabularies.items()}
    assert found["bbpe"] or (max_words, num_frequent) != (40, 0)
    assert found["wordpiece"] == found["cased"] == found["bbpe"]


def test_a_word_that_wordpiece_lacks_is_no_example_of_byte_level_bpe_either(vocabularies):
    documents = [*PLAIN, ["The þing, a þing.", "A fox, smørbrød and þing."]]
    tokenizer, reader = vocabularies["wordpiece"]
    assert read_words(store_of(tokenizer, documents), reader, None)[-1][0].words == [
        "the",
        UNKNOWN,
        ",",
        "a",
        UNKNOWN,
        ".",
    ]
    for name in vocabularies:
        assert not [one for one in example_ids(vocabularies[name], documents) if "þ" in one or "ø" in one]
    everything = replace(ASKED, min_character_share=0.0)
    assert [one for one in example_ids(vocabularies["bbpe"], documents, everything) if "þing" in one]


def test_examples_are_those_that_can_be_found_by_hand(vocabularies):
    documents = [
        ["\ufffd", "Mara met Ben.", "\u200b", "Ben, mara; and MARA.", "The fox of the fox."],
        ["\ufffd"],
        ["A dog."],
    ]
    for name in ("bbpe", "wordpiece"):
        (text,) = chosen(
            vocabularies[name], documents, replace(ASKED, targets_per_input=9), values=("Mara", "ben", "dog", "no one")
        )
        assert (text.document, [sentence.words for sentence in text.sentences]) == (
            0,
            [
                ["mara", "met", "ben", "."],
                ["ben", ",", "mara", ";", "and", "mara", "."],
                ["the", "fox", "of", "the", "fox", "."],
            ],
        )
        found = {re.fullmatch(r"0-(\d)-(mara|ben)-(\d)", one).groups(): row for one, row in text.targets.items()}
        assert {word for _, word, _ in found} == {"mara", "ben"}
        places = {"mara": [(0, 0), (1, 2), (1, 5)], "ben": [(0, 2), (1, 0)]}
        for (sentence, word, occurrence), (_, place, others) in found.items():
            own = places[word]
            assert (place.sentence, place.word) == [at for at in own if at[0] == int(sentence)][int(occurrence)]
            assert [(other.sentence, other.word) for other in others] == [
                at for at in own if at != (place.sentence, place.word)
            ]


def test_texts_are_whole_sentences_of_one_document_of_at_most_so_many_words(vocabularies):
    sentences = ["Mara Mara Mara.", "Mara, Mara.", "Mara Ben Mara Ben Mara Ben.", "Ben Ben.", "Mara Mara."]
    for vocabulary in vocabularies.values():
        texts = chosen(vocabulary, [sentences, sentences[:1]], max_words=6, values=("Mara", "Ben"))
        found = [(text.document, [sentence.number for sentence in text.sentences]) for text in texts]
        # 4, 4, 7, 3 and 3 words with their marks: the third sentence fits nowhere
        assert found == [(0, [0]), (0, [1]), (0, [3, 4]), (1, [5])]


def test_draws_take_some_of_the_examples_and_are_always_the_same(vocabularies):
    vocabulary, documents = vocabularies["bbpe"], PLAIN * 4
    many = replace(ASKED, targets_per_input=99)
    every = example_ids(vocabulary, documents, many)
    assert every == example_ids(vocabulary, documents, many)
    assert len(every) == len({*every}) > 20
    fewer = chosen(vocabulary, documents, replace(many, num_inputs=3, targets_per_input=2))
    assert len(fewer) == 3
    assert max(len(text.targets) for text in fewer) == 2
    assert {one for text in fewer for one in text.targets} < {*every}
    assert [text.document for text in fewer] == sorted(text.document for text in fewer)


def test_only_words_that_are_asked_for_are_asked_for(vocabularies):
    vocabulary = vocabularies["bbpe"]

    def words(**changed):
        task = replace(ASKED, targets_per_input=99, min_character_share=0.0)
        texts = chosen(vocabulary, PLAIN, replace(task, **changed), max_words=60)
        return {word for text in texts for word, _, _ in text.targets.values()}

    every = words()
    assert {"fox", "zurich", "cafes", "naive", "1907", "x2", "東", "mara", "uber"} <= every
    assert not every & {",", "'", "“", UNKNOWN}
    commonest = words(num_frequent=4)
    assert every > commonest
    assert "fox" not in commonest
    assert max(map(len, words(max_letters=3))) == 3
    assert "1907" not in words(min_character_share=0.06), "a 9 stands in fewer than 6 of 100 words"


def test_documents_that_begin_within_the_first_words_are_read(vocabularies):
    for tokenizer, reader in vocabularies.values():
        store = store_of(tokenizer, PLAIN)
        lengths = [sum(len(sentence.words) for sentence in one) for one in read_words(store, reader, None)]
        counts = [len(read_words(store, reader, limit)) for limit in (1, lengths[0], lengths[0] + 1, sum(lengths))]
        assert counts == [1, 1, 2, 3]
