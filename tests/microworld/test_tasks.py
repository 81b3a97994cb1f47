import csv
import json
import re
from collections import Counter
from functools import partial

import pytest

from nsp_ablation.text.microworld.ceiling import type_only_ceiling
from nsp_ablation.text.microworld.choice_task import race
from nsp_ablation.text.microworld.nli_task import mnli
from nsp_ablation.text.microworld.people import QUESTIONS, STATEMENTS
from nsp_ablation.text.microworld.sentiment_task import sst2
from nsp_ablation.text.microworld.span_tasks import squad
from nsp_ablation.text.microworld.world import ADJECTIVES, ANTONYMS, FACT_OF_SLOT, NAMES, SLOT_OF
from nsp_ablation.text.microworld.world_tasks import NUM_DEV, NUM_TRAIN, write_tasks

FILES = {
    "squad1": ("squad1/train-v1.1.json", "squad1/dev-v1.1.json"),
    "squad2": ("squad2/train-v2.0.json", "squad2/dev-v2.0.json"),
    "mnli": ("mnli/train.tsv", "mnli/dev_matched.tsv"),
    "sst2": ("sst2/train.tsv", "sst2/dev.tsv"),
    "race": ("race/train.jsonl", "race/dev.jsonl"),
}
PATTERNS = [
    (kind, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>\\w+)", re.escape(template))))
    for kind, wordings in STATEMENTS.items()
    for wording in wordings
    for template in wording
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("tasks")
    write_tasks(path, 1)
    return path


def facts_told(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """Read a passage: {(person, kind): {slot: word}}; a pronoun is the last person named."""
    facts, person = {}, ""
    for sentence in re.findall(r"[^.]+\.", text):
        kind, groups = next(
            (kind, found.groupdict())
            for kind, pattern in PATTERNS
            if (found := pattern.fullmatch(sentence.strip()))
            and all(SLOT_OF[word] == slot for slot, word in found.groupdict().items() if slot in FACT_OF_SLOT)
            and found.groupdict().get("P", "Anna") in NAMES
            and found.groupdict().get("He", "He") in ("He", "She")
            and found.groupdict().get("His", "His") in ("His", "Her")
        )
        person = groups.pop("P", person)
        facts[person, kind] = {slot: word for slot, word in groups.items() if slot in FACT_OF_SLOT}
    return facts


def squad_rows(path):
    for paragraph in json.loads(path.read_text())["data"][0]["paragraphs"]:
        for question in paragraph["qas"]:
            yield paragraph["context"], question


def tsv_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def race_rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("make", [partial(squad, "1.1"), partial(squad, "v2.0"), mnli, sst2, race])
def test_files_are_a_function_of_half_size_and_seed(make):
    assert make("dev", 30, 1) == make("dev", 30, 1)
    assert make("dev", 30, 1) != make("dev", 30, 2)
    assert make("dev", 30, 1) != make("train", 30, 1)


def test_writing_again_gives_the_same_bytes(directory, tmp_path):
    write_tasks(tmp_path, 1)
    for file in (file for files in FILES.values() for file in files):
        assert (tmp_path / file).read_bytes() == (directory / file).read_bytes()


@pytest.mark.parametrize("task", FILES)
def test_no_value_of_a_development_file_was_seen_in_fine_tuning(directory, task):
    values = {*SLOT_OF, *ADJECTIVES[0], *ADJECTIVES[1]}
    train, dev = (set(re.findall(r"\w+", (directory / file).read_text())) & values for file in FILES[task])
    assert train
    assert dev
    assert train.isdisjoint(dev)


@pytest.mark.parametrize("task", ["squad1", "squad2"])
def test_answers_stand_at_their_offsets_and_are_what_the_passage_tells(directory, task):
    num_answered = 0
    for file in FILES[task]:
        for context, question in squad_rows(directory / file):
            asked, name = next(
                (slot, found[1])
                for slot, template in QUESTIONS.items()
                if (found := re.fullmatch(re.escape(template).replace(r"\{P\}", r"(\w+)"), question["question"]))
            )
            told = facts_told(context).get((name, FACT_OF_SLOT[asked]))
            assert bool(question["answers"]) == (told is not None) != question.get("is_impossible", False)
            for answer in question["answers"]:
                start = answer["answer_start"]
                assert context[start : start + len(answer["text"])] == answer["text"] == told[asked]
                assert not context[start - 1].isalnum()
                assert not context[start + len(answer["text"])].isalnum()
                num_answered += 1
    assert num_answered == (NUM_DEV + NUM_TRAIN[task]) / (2 if task == "squad2" else 1)


def test_mnli_labels_follow_from_the_facts(directory):
    for file in FILES["mnli"]:
        for row in tsv_rows(directory / file):
            premise, ((key, claimed),) = facts_told(row["sentence1"]), facts_told(row["sentence2"]).items()
            told = premise.get(key)
            label = "neutral" if told is None else "entailment" if told == claimed else "contradiction"
            assert row["gold_label"] == row["label1"] == label, row
            if label == "contradiction" and key[1] == "size":
                assert claimed["size"] == ANTONYMS[told["size"]]


def test_race_has_one_told_option_and_at_most_one_told_of_the_other_person(directory):
    num_swapped = Counter()
    for file in FILES["race"]:
        for row in race_rows(directory / file):
            told = facts_told(row["article"])
            options = [next(iter(facts_told(option).items())) for option in row["options"][0]]
            assert len(options) == len(set(row["options"][0])) == 4
            right = [letter for letter, (key, words) in zip("ABCD", options, strict=True) if told.get(key) == words]
            assert right == row["answers"]
            others = [key for key, words in options if key not in told and words in told.values()]
            num_swapped[file, len(others)] += 1
    assert num_swapped == {
        (file, count): num / 2 for file, num in zip(FILES["race"], (800, 1000), strict=True) for count in (0, 1)
    }


def test_sst2_labels_are_the_adjectives_polarity_and_sentences_are_unique(directory):
    for file in FILES["sst2"]:
        rows = tsv_rows(directory / file)
        assert len({row["sentence"] for row in rows}) == len(rows)
        for row in rows:
            found = set(re.findall(r"\w+", row["sentence"]))
            assert len(found & set(ADJECTIVES[int(row["label"])])) == 2
            assert not found & set(ADJECTIVES[1 - int(row["label"])])


@pytest.mark.parametrize(
    ("task", "labels_of"),
    [
        ("squad2", lambda path: [question["is_impossible"] for _, question in squad_rows(path)]),
        ("mnli", lambda path: [row["gold_label"] for row in tsv_rows(path)]),
        ("sst2", lambda path: [row["label"] for row in tsv_rows(path)]),
        ("race", lambda path: [row["answers"][0] for row in race_rows(path)]),
    ],
)
def test_labels_and_answer_positions_are_balanced(directory, task, labels_of):
    for file, num_examples in zip(FILES[task], (NUM_TRAIN[task], NUM_DEV), strict=True):
        counts = Counter(labels_of(directory / file))
        assert counts.total() == num_examples
        assert max(counts.values()) - min(counts.values()) <= 1


def test_ids_are_unique_over_train_and_dev(directory):
    for task in ("squad1", "squad2"):
        ids = [question["id"] for file in FILES[task] for _, question in squad_rows(directory / file)]
        assert len(set(ids)) == len(ids) == NUM_TRAIN[task] + NUM_DEV
    race_ids = [row["id"] for file in FILES["race"] for row in race_rows(directory / file)]
    assert len(set(race_ids)) == len(race_ids) == NUM_TRAIN["race"] + NUM_DEV


def test_files_have_the_original_layouts(directory):
    assert json.loads((directory / FILES["squad1"][1]).read_text())["version"] == "1.1"
    assert json.loads((directory / FILES["squad2"][1]).read_text())["version"] == "v2.0"
    train, dev = ((directory / file).read_text().splitlines() for file in FILES["mnli"])
    assert {line.count("\t") for line in train} == {11}
    assert {line.count("\t") for line in dev} == {15}
    for header in (train[0].split("\t"), dev[0].split("\t")):
        assert (header[0], header[8], header[9], header[-1]) == ("index", "sentence1", "sentence2", "gold_label")
    assert (directory / FILES["sst2"][0]).read_text().startswith("sentence\tlabel\n")
    assert set(race_rows(directory / FILES["race"][0])[0]) == {"article", "questions", "options", "answers", "id"}


@pytest.mark.parametrize(
    ("task", "expected"), [("squad1", 0.75), ("squad2", 0.79), ("mnli", 2 / 3), ("race", 0.75), ("sst2", None)]
)
def test_the_type_only_ceilings_are_those_stated(directory, task, expected):
    assert type_only_ceiling(task, directory / FILES[task][1]) == pytest.approx(expected, abs=0.005)


def test_inputs_fit_a_small_encoder(directory):
    """Question, passage, option and four special tokens within 60 of the micro model's 96 positions."""

    def num_words(*texts: str) -> int:
        return sum(len(re.findall(r"\w+|[^\w\s]", text)) for text in texts)

    lengths = [
        num_words(context, question["question"]) for context, question in squad_rows(directory / FILES["squad1"][1])
    ]
    lengths += [num_words(row["sentence1"], row["sentence2"]) for row in tsv_rows(directory / FILES["mnli"][1])]
    for row in race_rows(directory / FILES["race"][1]):
        lengths += [num_words(row["article"], row["questions"][0], option) for option in row["options"][0]]
    assert max(lengths) <= 56
    assert 24 <= sum(lengths) / len(lengths) <= 45
