"""Task files as their publishers made them: what does not fit is counted and named, and nothing is read askew."""

import bz2
import gzip
import json
import lzma

import pytest
import zstandard

from nsp_ablation.learning.probes.minimal_pairs import read_minimal_pairs
from nsp_ablation.learning.tasks.examples import SpanExample, TextExample
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.task_kind import read_task

PAIR = {"text_columns": ["sentence1", "sentence2"], "label_column": "gold_label", "labels": ["yes", "no"]}
TEXT = {"text_columns": ["sentence"], "label_column": "label", "labels": ["0", "1"]}


@pytest.fixture
def read_tsv(tmp_path, task_of):
    """Write a file and return its examples as (id, texts, class), and the lines on what is left out."""

    def read(content: str | bytes, columns, name="dev.tsv", **changed):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        left_out = LeftOut()
        task = task_of("classification", tmp_path, None, "dev.tsv", **columns, **changed)
        examples = read_task(task, "dev", left_out)
        return [(e.id, e.texts, e.label) for e in examples], left_out.lines()

    return read


def snli() -> str:
    """A file like GLUE's SNLI training file: a header of 15 columns, five of them labels, over rows of 11 fields."""
    parse = ["p"] * 4
    header = ["index", "captionID", "pairID", *(f"parse{n}" for n in range(4)), "sentence1", "sentence2"]
    header += [*(f"label{n}" for n in range(1, 6)), "gold_label"]
    rows = [[str(n), "c", "i", *parse, f"a{n}", f"b{n}", "yes", label] for n, label in enumerate(("yes", "-", "no"))]
    return "\n".join("\t".join(row) for row in (header, *rows)) + "\n"


def test_rows_shorter_than_the_header_are_read_by_the_number_of_their_last_column(read_tsv):
    columns = PAIR | {"label_column": "-1"}
    expected = [("0", ("a0", "b0"), 0), ("2", ("a2", "b2"), 1)]
    examples, lines = read_tsv(snli(), columns)
    assert examples == expected
    assert len(lines) == 1
    assert lines[0].startswith("rows without a label left out: 1 (")
    assert lines[0].endswith("dev.tsv: line 3)")
    by_number = {"text_columns": ["8", "-3"], "label_column": "-1"}
    with pytest.raises(ValueError, match="dev.tsv: line 2 has label 'yes'.*which is not one of .*labels: maybe"):
        read_tsv(snli(), PAIR | {"label_column": "-1", "labels": ["maybe"]})
    assert [texts for _, texts, _ in read_tsv(snli(), PAIR | by_number)[0]] == [("a0", "b0"), ("a2", "b2")]


def test_a_majority_of_rows_that_lack_a_column_is_refused_with_what_to_do(read_tsv):
    message = (
        "3 of 3 rows do not fit the 15 columns of the header: .*line 2 has 11 fields; .*by number.*the last being -1"
    )
    for policy in ("skip", "refuse"):
        with pytest.raises(ValueError, match=message):
            read_tsv(snli(), PAIR, uneven_rows=policy)


def test_short_and_long_rows_are_counted_and_left_out_or_refused(read_tsv):
    rows = ["id\tsentence1\tsentence2\tgold_label", "0\ta\tb\tyes", "1\ta", "2\ta\tb\tno", "3\ta\tx\tb\tno", "4\ta\tb"]
    rows += ["5\ta\tb", *("6\tc\td\tno",) * 6]
    examples, lines = read_tsv("\n".join(rows), PAIR)
    assert [id for id, _, _ in examples] == ["0", "2", *map(str, range(6, 12))]
    (line,) = lines
    assert line.startswith("uneven rows left out: 4 (")
    assert [part.split("dev.tsv: ")[1] for part in line.split("; ")[:3]] == [
        "line 3 has 2 fields",
        "line 5 has 5 fields",
        "line 6 has 3 fields",
    ]
    assert line.endswith("and 1 more)")
    with pytest.raises(ValueError, match="4 of 12 rows .* or leave them out with tasks.task.uneven_rows=skip"):
        read_tsv("\n".join(rows), PAIR, uneven_rows="refuse")


def test_a_file_without_header_has_columns_by_number(read_tsv):
    cola = "gj04\t1\t\tOur friends won't buy this.\ngj04\t0\t*\tThe \"book was.\n"
    columns = {"text_columns": ["4"], "label_column": "2", "labels": ["0", "1"], "header": False}
    assert read_tsv(cola, columns)[0] == [("0", ("Our friends won't buy this.",), 1), ("1", ('The "book was.',), 0)]
    with pytest.raises(
        ValueError, match="no column sentence: with tasks.task.header=false columns have numbers, from 1"
    ):
        read_tsv(cola, columns | {"text_columns": ["sentence"]})
    with pytest.raises(ValueError, match="no column 9: found gj04, 1, , Our .*tasks.task.header=false"):
        read_tsv(cola, columns | {"text_columns": ["9"], "header": True})
    with pytest.raises(ValueError, match="no column 0"):
        read_tsv(cola, columns | {"label_column": "0"})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "{end}", "{end}{end}", "{end} \t{end}{end}"])
def test_blank_lines_and_line_ends_change_nothing(read_tsv, end, tail):
    rows = ["sentence\tlabel", "a\t1", "", 'he said "b\t0']
    content = end.join(rows) + tail.format(end=end)
    assert read_tsv(content, TEXT) == ([("0", ("a",), 1), ("1", ('he said "b',), 0)], [])


ENCODERS = {
    "plain": lambda data: data,
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_every_kind_reads_files_by_their_first_bytes_under_any_name(tmp_path, task_of, encode):
    def write(name: str, content: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(encode(content.encode()))

    write("dev.tsv", "sentence\tlabel\nOù\t1\n")
    assert read_task(task_of("classification", tmp_path, None, "dev.tsv", **TEXT), "dev")[0].texts == ("Où",)
    answers = [{"text": "Où", "answer_start": 0}]
    squad = {"context": "Où ?", "qas": [{"id": 1, "question": "q", "answers": answers}]}
    write("dev.json", json.dumps({"data": [{"paragraphs": [squad]}]}))
    spans = read_task(task_of("span_qa", tmp_path, None, "dev.json"), "dev")
    assert spans == [SpanExample("1", "q", "Où ?", (("Où", 0),))]
    passage = {"article": "Où", "questions": ["q"], "options": [["a", "b"]], "answers": ["B"]}
    write("dev/high/1.txt", json.dumps(passage, indent=1))
    write("dev/high/2.txt.gz", json.dumps(passage))
    write("lines.jsonl", json.dumps(passage) + "\n\n" + json.dumps(passage) + "\n")
    choices = read_task(task_of("multiple_choice", tmp_path), "dev")
    assert [choice.id for choice in choices] == ["high/1.txt-0", "high/2.txt.gz-0"]
    lines = read_task(task_of("multiple_choice", tmp_path, None, "lines.jsonl"), "dev")
    assert [choice.id for choice in lines] == ["line1-0", "line3-0"]
    assert choices[0].article == lines[0].article == "Où"
    pair = {"UID": "u", "pairID": "0", "sentence_good": "Où", "sentence_bad": "b", "linguistics_term": "t"}
    write("blimp/u.jsonl", json.dumps(pair) + "\n")
    assert read_minimal_pairs(task_of("minimal_pairs", tmp_path / "blimp"))[0].good == "Où"


def test_a_file_may_be_there_in_compressed_form_alone(tmp_path, task_of):
    (tmp_path / "dev.tsv.xz").write_bytes(lzma.compress(b"sentence\tlabel\na\t1\n"))
    task = task_of("classification", tmp_path, None, "dev.tsv", **TEXT)
    assert read_task(task, "dev") == [TextExample("0", ("a",), 1)]
    (tmp_path / "dev.tsv").write_text("sentence\tlabel\nb\t0\n")
    assert read_task(task, "dev") == [TextExample("0", ("b",), 0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "dev.tsv is a ZIP archive, not text; unpack it"),
        (b"sentence\tlabel\ncaf\xe9\t1\n", "dev.tsv:2 is not UTF-8 .*iconv"),
        (gzip.compress(b"sentence\tlabel\na\t1\n", mtime=0)[:-9], "dev.tsv cannot be decompressed"),
        (b"sentence\tlabel\na\0\t1\n", "dev.tsv:2 holds a NUL byte"),
    ],
)
def test_what_is_no_text_is_named(read_tsv, content, message):
    with pytest.raises(ValueError, match=message):
        read_tsv(content, TEXT)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, r"\.json: line 1 is JSON nested too deeply"),
        (r'{"data": "\ud800"}', r"\.json holds text that is not valid Unicode"),
        ('{"data": [{"paragraphs": [{"context": "x"}]}]}', r"layout: data\[0\].paragraphs\[0\].qas is missing"),
        ('{"data": {}}', "layout: data is {}"),
        ('{"data": [{"paragraphs": [{"context": 1, "qas": []}]}]}', r"layout: data\[0\].paragraphs\[0\].context is 1"),
    ],
)
def test_malformed_json_is_named(tmp_path, task_of, content, message):
    (tmp_path / "dev.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_task(task_of("span_qa", tmp_path, None, "dev.json"), "dev")


def test_hidden_files_never_count(tmp_path, task_of):
    passage = json.dumps({"article": "x", "questions": ["q"], "options": [["a", "b"]], "answers": ["B"]})
    pair = {"UID": "u", "pairID": "0", "sentence_good": "a", "sentence_bad": "b", "linguistics_term": "t"}
    for name in ("dev/1.txt", "b/u.jsonl", ".git/2.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(passage if name.endswith("txt") else json.dumps(pair))
    for name in ("dev/._1.txt", "dev/.DS_Store", "dev/__MACOSX/1.txt", "dev/.cache/3.txt", "b/._u.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\x05\x16\x07\xff")
    assert [example.id for example in read_task(task_of("multiple_choice", tmp_path), "dev")] == ["dev/1.txt-0"]
    assert len(read_minimal_pairs(task_of("minimal_pairs", tmp_path / "b"))) == 1


def test_a_directory_of_passages_without_any_is_named(tmp_path, task_of):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / ".1.txt").write_text("{}")
    with pytest.raises(ValueError, match=r"dev is a directory without \*.txt files"):
        read_task(task_of("multiple_choice", tmp_path), "dev")


def test_names_with_brackets_and_patterns_give_all_their_files_in_order(tmp_path, task_of):
    for name, word in (("dev [1].tsv", "odd"), ("part-2.tsv", "b"), ("part-1.tsv", "a"), (".part-0.tsv", "hidden")):
        (tmp_path / name).write_text(f"sentence\tlabel\n{word}\t1\n")

    def texts(name):
        return [(e.id, e.texts[0]) for e in read_task(task_of("classification", tmp_path, None, name, **TEXT), "dev")]

    assert texts("dev [1].tsv") == [("0", "odd")]
    assert texts("part-*.tsv") == [("0", "a"), ("1", "b")]


def test_all_bad_questions_of_squad_are_counted_and_offsets_may_be_text_or_floats(tmp_path, task_of):
    def question(id, *answers, **more):
        pairs = [{"text": text, "answer_start": start} for text, start in answers]
        return {"id": id, "question": "Where?", "answers": pairs} | more

    good = [question(f"g{n}", ("Rome", start)) for n, start in enumerate((13, "13", 13.0, " 13 ", "13.0"))]
    bad = {
        "b0": [("Rome", -1)],
        "b1": [("Rome", 12)],
        "b2": [("Rome", "x")],
        "b3": [("Rome", 13.5)],
        "b4": [("Rome", None)],
        "b5": [("Rome", True)],
        "b6": [("Ann", 0), ("Rome", 99)],
        "b7": [("", 0)],
        "b8": [(None, 0)],
        "b9": [],
        "b10": [("Rome.", -5)],  # what stands at Python's index -5
    }
    qas = [*good, *(question(id, *answers) for id, answers in bad.items()), question("b11") | {"answers": None}]
    (tmp_path / "dev.json").write_text(
        json.dumps({"data": [{"paragraphs": [{"context": "Ann lives in Rome.", "qas": qas}]}]})
    )
    task = task_of("span_qa", tmp_path, None, "dev.json")
    with pytest.raises(ValueError, match="^tasks.task: 12 bad questions: ") as error:
        read_task(task, "dev")
    named = [part.split("dev.json: ")[1] for part in str(error.value).split("; ")[:3]]
    assert named == [
        "question b0 has answer 'Rome' at -1, but the context has 18 characters",
        "question b1 has answer 'Rome' at 12, but ' Rom' stands there",
        "question b2 has answer 'Rome' at 'x', which is no whole number",
    ]
    assert "; and 9 more; set tasks.task.unanswerable=true" in str(error.value)
    left_out = LeftOut()
    task.bad_questions = "skip"
    examples = read_task(task, "dev", left_out)
    assert [(example.id, example.answers) for example in examples] == [(f"g{n}", (("Rome", 13),)) for n in range(5)]
    assert left_out.lines()[0].startswith("bad questions left out: 12 (")
    task.unanswerable = True
    assert [example.id for example in read_task(task, "dev")][-2:] == ["b9", "b11"]
