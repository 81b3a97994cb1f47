"""Tasks are read from their original files; each mistake in them gets one line that says what to do."""

import json
from pathlib import Path

import pytest
import yaml

from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample, TextExample
from nsp_ablation.learning.tasks.task_kind import read_task

CONF = Path(__file__).parents[2] / "conf/tasks"
MNLI = {"text_columns": ["sentence1", "sentence2"], "label_column": "gold_label", "labels": ["entailment", "neutral"]}
SST2 = {"text_columns": ["sentence"], "label_column": "label", "labels": ["0", "1"]}
PASSAGE = {"article": "Ann met Ben.", "questions": ["Who?", "_ met Ben."], "options": [["x", "y"], ["z", "w"]]}


def squad(*questions) -> str:
    paragraphs = [{"context": "Ann lives in Rome.", "qas": list(questions)}]
    return json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]})


def question(id="q1", *answers, **more):
    return {"id": id, "question": "Where?", "answers": [{"text": t, "answer_start": s} for t, s in answers], **more}


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_squad_keeps_every_reference_in_file_order(tmp_path, task_of):
    (tmp_path / "dev.json").write_text(squad(question("q2", ("Rome", 13), ("in Rome", 10)), question("q1", ("Ann", 0))))
    examples = read_task(task_of("span_qa", tmp_path, None, "dev.json"), "dev")
    assert examples == [
        SpanExample("q2", "Where?", "Ann lives in Rome.", (("Rome", 13), ("in Rome", 10)), "t"),
        SpanExample("q1", "Where?", "Ann lives in Rome.", (("Ann", 0),), "t"),
    ]


def test_squad_2_ignores_plausible_answers(tmp_path, task_of):
    impossible = question("q1", is_impossible=True, plausible_answers=[{"text": "Rome", "answer_start": 13}])
    (tmp_path / "dev.json").write_text(squad(impossible))
    task = task_of("span_qa", tmp_path, None, "dev.json", unanswerable=True)
    assert read_task(task, "dev")[0].answers == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (squad(question("q1", ("Rome", 12))), "question q1 has answer 'Rome' at 12, but ' Rom' stands there"),
        (squad(question("q1")), "question q1 has no answer; set tasks.task.unanswerable=true"),
        (squad(question("q1", ("Ann", 0)), question("q1", ("Ann", 0))), "example id 'q1' occurs twice"),
        (squad(), "no train examples"),
        ('{"data": [{"title": "t"}]}', "not in SQuAD's layout"),
        ("[1]", "not in SQuAD's layout"),
        ('{"data": [\n{"title": }', "train.json: line 2 is not JSON"),
    ],
)
def test_squad_mistakes(tmp_path, task_of, content, message):
    (tmp_path / "train.json").write_text(content)
    with pytest.raises(ValueError, match="(?s).") as error:
        read_task(task_of("span_qa", tmp_path, "train.json"), "train")
    assert message in one_line(error)


def test_glue_columns_are_found_by_name_and_quotes_are_text(tmp_path, task_of):
    rows = ["index\tgold_label\tsentence2\tsentence1", '7\tneutral\t"Ben" lives.\t"Ann', "8\tentailment\tb\u2028c\ta"]
    (tmp_path / "train.tsv").write_text("\n".join(rows) + "\n")
    examples = read_task(task_of("classification", tmp_path, "train.tsv", **MNLI), "train")
    assert examples == [
        TextExample("0", ('"Ann', '"Ben" lives.'), 1),
        TextExample("1", ("a", "b\u2028c"), 0),
    ]


def test_glue_leaves_out_rows_without_agreement_but_counts_them(tmp_path, task_of):
    (tmp_path / "dev.tsv").write_text("sentence1\tsentence2\tgold_label\r\na\tb\t-\r\nc\td\tneutral\r\n")
    task = task_of("classification", tmp_path, None, "dev.tsv", **MNLI)
    assert read_task(task, "dev") == [TextExample("1", ("c", "d"), 1)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\tlabel\nx\t1\n", "has no column sentence: found text, label; name one of these or its number"),
        ("sentence\tlabel\nx\t1\ny\nz\n", "2 of 3 rows do not fit the 2 columns of the header"),
        (
            "sentence\tlabel\nx\tpositive\n",
            "line 2 has label 'positive', which is not one of tasks.task.labels: 0, 1",
        ),
        ("sentence\tlabel\n", "no train examples"),
    ],
)
def test_glue_mistakes(tmp_path, task_of, content, message):
    (tmp_path / "train.tsv").write_text(content)
    with pytest.raises(ValueError, match="(?s).") as error:
        read_task(task_of("classification", tmp_path, "train.tsv", **SST2), "train")
    assert message in one_line(error)


def test_race_folders_and_lines_give_the_same_examples(tmp_path, task_of):
    for number in (10, 2):
        for level in ("middle", "high"):
            passage = PASSAGE | {"answers": ["B", "A"], "id": f"{level}{number}.txt"}
            (tmp_path / f"folders/dev/{level}").mkdir(parents=True, exist_ok=True)
            (tmp_path / f"folders/dev/{level}/{number}.txt").write_text(json.dumps(passage))
    ids = ["high2.txt", "high10.txt", "middle2.txt", "middle10.txt"]
    lines = [json.dumps(PASSAGE | {"answers": ["B", "A"], "id": id}) for id in ids]
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines/dev.jsonl").write_text("\n".join(lines) + "\n")
    from_folders = read_task(task_of("multiple_choice", tmp_path / "folders"), "dev")
    assert from_folders == read_task(task_of("multiple_choice", tmp_path / "lines"), "dev")
    assert from_folders[0] == ChoiceExample("high2.txt-0", "Ann met Ben.", "Who?", ("x", "y"), 1)
    assert [example.id for example in from_folders[::2]] == [f"{id}-0" for id in ids]


def test_race_middle_and_high_are_the_folders_of_all(tmp_path, task_of):
    for number, level in enumerate(("middle", "high")):
        for split in ("train", "dev"):
            (tmp_path / split / level).mkdir(parents=True)
            content = json.dumps(PASSAGE | {"answers": ["B", "A"], "id": f"{level}{number}.txt"})
            (tmp_path / split / level / f"{number}.txt").write_text(content)
    ids = {}
    for name in ("race", "race_middle", "race_high"):
        settings = yaml.safe_load((CONF / f"{name}.yaml").read_text())
        files = {key: settings.get(key) for key in ("train_file", "dev_file")}
        for split in ("train", "dev"):
            examples = read_task(task_of("multiple_choice", tmp_path, **files), split)
            ids[name, split] = [example.id for example in examples]
    for split in ("train", "dev"):
        assert ids["race_middle", split] == ["middle0.txt-0", "middle0.txt-1"]
        assert ids["race", split] == ids["race_high", split] + ids["race_middle", split]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps(PASSAGE | {"answers": ["B", "C"]}), "line 1: answer 'C' of question line1-1 names none of its 2"),
        (json.dumps(PASSAGE | {"answers": ["B"]}), "line 1: questions, options and answers differ in number"),
        (json.dumps({"article": "x"}), "line 1 is not in RACE's layout"),
        ("\n{", "line 2 is not JSON"),
    ],
)
def test_race_mistakes(tmp_path, task_of, content, message):
    (tmp_path / "train.jsonl").write_text(content)
    with pytest.raises(ValueError, match="(?s).") as error:
        read_task(task_of("multiple_choice", tmp_path), "train")
    assert message in one_line(error)


@pytest.mark.parametrize("kind", ["span_qa", "classification", "multiple_choice"])
def test_missing_files_are_named(tmp_path, task_of, kind):
    for path, name in ((tmp_path, "train.x"), (tmp_path / "nowhere", "nowhere")):
        with pytest.raises(ValueError, match="is not a directory|has no file") as error:
            read_task(task_of(kind, path, "train.x", **SST2), "train")
        assert name in one_line(error)


def test_a_task_without_a_source_is_refused(task_of):
    with pytest.raises(ValueError, match="tasks.task has neither path nor hub"):
        read_task(task_of("span_qa", None), "dev")
