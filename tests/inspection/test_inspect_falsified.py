"""Each law of the inspection file refuses a file in which one field was changed."""

import ast
import re
from pathlib import Path

import pytest

VOCAB_SIZE, MAX_LENGTH, CLS, PAD, SEP, MASK = 300, 32, 0, 1, 2, 4  # of `true_files`


def test_the_true_files_pass(true_files, file_laws):
    lengths = file_laws.lengths_in(*true_files["sentence_pair", "mlm_nsp"])
    for head, rows in true_files.values():
        file_laws.check(head, rows)
        file_laws.check(head, rows, lengths)


def target(row):
    return next(place for place, label in enumerate(row["labels"]) if label != -100)


def ordinary(row):
    """A place of an ordinary token that is no target."""
    places = zip(row["labels"], row["special_tokens_mask"], strict=True)
    return next(place for place, (label, special) in enumerate(places) if label == -100 and not special)


def put(column, place, value):
    """Change one value of the third row; `place` may be found in the row."""

    def change(head, rows):
        rows[2][column][place(rows[2]) if callable(place) else place] = value

    return change


def hide_all(head, rows):
    for row in rows:
        row["masked_input_ids"] = [
            MASK if label != -100 else token
            for token, label in zip(row["masked_input_ids"], row["labels"], strict=True)
        ]


def add_target(head, rows):
    place = ordinary(rows[2])
    rows[2]["labels"][place] = rows[2]["input_ids"][place]


def move_target(head, rows):
    """Predict a special token in place of an ordinary one."""
    row, place = rows[2], target(rows[2])
    row["masked_input_ids"][place], row["labels"][place], row["labels"][0] = row["input_ids"][place], -100, CLS


def lose_a_row(head, rows):
    del rows[3]
    for number, row in enumerate(rows):
        row["sample"] = number


def pad(head, rows):
    for name, value in (("input_ids", PAD), ("masked_input_ids", PAD), ("token_type_ids", 0), ("labels", -100)):
        rows[2][name].insert(-1, value)
    rows[2]["special_tokens_mask"].insert(-1, 1)


def relabel(head, rows):
    rows[2]["is_random_next"] = 1 - rows[2]["is_random_next"]


def set_header(**values):
    return lambda head, rows: head.update(values)


def set_row(**values):
    return lambda head, rows: rows[2].update(values)


def shift_span(column, by):
    def change(head, rows):
        rows[2]["spans"][0][column] += by

    return change


def move_b(head, rows):
    """Say that B, which is A in the next row, is of the next document."""
    row = next(row for row in rows if row["is_random_next"] == 0)
    row["spans"][1][0] += 1


def all_type_0(head, rows):
    rows[2]["token_type_ids"] = [0] * len(rows[2]["input_ids"])


FALSIFIED = [
    ("full", set_header(note="x"), "header fields"),
    ("full", set_header(copies=10), "copies are of static masks"),
    ("full", set_header(masking="static"), "copies are of static masks"),
    ("full", set_header(objective="mlm_nsp"), "objective needs pairs"),
    ("full", set_row(note="x"), "row fields"),
    ("full", set_row(sample=7), "samples are numbered in order"),
    ("full", lambda head, rows: rows[2]["labels"].pop(), "columns are of one length"),
    ("full", set_header(max_length=MAX_LENGTH - 1), "at most T tokens"),
    ("full", put("input_ids", 0, 9), r"\[CLS\] opens"),
    ("full", put("input_ids", 4, CLS), r"\[CLS\] opens"),
    ("full", put("input_ids", -1, 9), r"\[SEP\] closes"),
    ("full", pad, "no padding before masking"),
    ("full", put("special_tokens_mask", ordinary, 1), "special_tokens_mask"),
    ("full", put("input_ids", ordinary, VOCAB_SIZE), "ids are below vocab_size"),
    ("full", add_target, "number of targets"),
    ("full", put("labels", target, -100), "number of targets"),
    ("full", move_target, "special tokens are no targets"),
    ("full", put("labels", target, 299), "labels are the ids before masking"),
    ("full", put("masked_input_ids", ordinary, MASK), "only targets change"),
    ("full", put("masked_input_ids", 0, MASK), "only targets change"),
    ("full", put("masked_input_ids", target, SEP), "random tokens are no special ones"),
    ("full", hide_all, "80/10/10"),
    ("full", shift_span(0, 150), "spans lie in the store"),
    ("full", shift_span(1, -100), "spans lie in the store"),
    ("full", shift_span(3, -1), "a token is in one sentence"),
    ("sentence_pair", move_b, "a sentence is in one document"),
    ("full", shift_span(0, 9), "numbers ascend together"),
    ("full", shift_span(4, -1), "spans and separators make up the input"),
    ("segment_pair", shift_span(4, -1), "spans and separators make up the input"),
    ("full", put("token_type_ids", 3, 1), "token types"),
    ("segment_pair", all_type_0, "token types"),
    ("full", set_row(is_random_next=0), "no pairs"),
    ("doc", set_row(segment_spans=1), "no pairs"),
    ("full", lose_a_row, "every token once"),
    ("doc", lose_a_row, "every token once"),
    ("full", set_header(num_tokens=10_000), "every token once"),
    ("doc", set_header(num_documents=151), "every document is there"),
    ("segment_pair", set_row(segment_spans=None), "a pair is two spans"),
    ("segment_pair", set_row(is_swapped=0), "the label is the objective's"),
    ("segment_pair", relabel, "the label agrees with the documents"),
    ("sentence_pair", relabel, "the label agrees with the documents"),
]


@pytest.mark.parametrize(("name", "change", "law"), FALSIFIED)
def test_one_changed_field_breaks_its_law(falsified, file_laws, name, change, law):
    with pytest.raises(file_laws.LawBroken, match=law):
        file_laws.check(*falsified(name, change))


def test_no_law_is_without_a_file_that_breaks_it():
    here = Path(__file__).parent
    calls = [node for node in ast.walk(ast.parse((here / "file_laws.py").read_text())) if isinstance(node, ast.Call)]
    laws = {call.args[1].value for call in calls if getattr(call.func, "id", None) == "require"}
    fakes = ast.walk(ast.parse((here / "test_inspect_fakes.py").read_text()))
    texts = [node.value for node in fakes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    broken = [law for *_, law in FALSIFIED] + [text for text in texts if len(text.split()) > 3]
    assert len(laws) > 35
    assert [law for law in laws if not any(re.search(text, law) for text in broken)] == []
