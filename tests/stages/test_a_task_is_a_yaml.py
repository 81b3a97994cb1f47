"""A task of a kind that exists is one YAML beside its files: it has a recipe, a record and a column of its own."""

import json

TOY = """\
# @package tasks.toy
name: toy
kind: classification
title: Toy
metric: accuracy
path: toy
train_file: train.tsv
dev_file: dev.tsv
text_columns: [text]
label_column: mood
labels: [sad, glad]
"""


def write_tables(directory) -> None:
    """Write 40 rows to train on, a row without a label after them, and 10 to score with a short row among them."""
    directory.mkdir()
    for split, number in (("train", 40), ("dev", 10)):
        rows = [f"Anna has {('lost', 'won')[n % 2]} {n} games.\t{('sad', 'glad')[n % 2]}" for n in range(number)]
        rows.insert(number, "Anna plays.\t-") if split == "train" else rows.insert(3, "cut")
        (directory / f"{split}.tsv").write_text("\n".join(["text\tmood", *rows]) + "\n\n")


def test_a_new_task_is_fine_tuned_with_the_default_recipe(nsp, tmp_path):
    (tmp_path / "mine/tasks").mkdir(parents=True)
    (tmp_path / "mine/tasks/toy.yaml").write_text(TOY)
    write_tables(tmp_path / "toy")
    ended = nsp("--config-dir", "mine", "scale=smoke", "name=own", "tasks=[toy]", "stage=finetune", "encoder=random")
    assert ended.status == 0, ended.err
    assert "tasks | tasks.toy train: rows without a label left out: 1 (toy/train.tsv: line 42)" in ended.out
    assert "tasks | tasks.toy dev: uneven rows left out: 1 (toy/dev.tsv: line 5 has 1 fields)" in ended.out
    (path,) = (tmp_path / "results/own/records").glob("*.json")
    record = json.loads(path.read_text())
    assert (record["task"], record["primary_metric"], record["num_examples"]) == ("toy", "accuracy", 10)
    assert 0 <= record["metrics"]["accuracy"] <= 1
    assert (record["chance"], record["majority"], record["bag_of_words"]) == (0.5, 0.5, 1.0)
    assert "toy" in (tmp_path / "results/own/report/table.csv").read_text()
