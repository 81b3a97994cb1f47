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


def test_a_new_task_is_fine_tuned_with_the_default_recipe(nsp, tmp_path):
    (tmp_path / "mine/tasks").mkdir(parents=True)
    (tmp_path / "mine/tasks/toy.yaml").write_text(TOY)
    (tmp_path / "toy").mkdir()
    for split, number in (("train", 40), ("dev", 10)):
        rows = [f"Anna has {('lost', 'won')[n % 2]} {n} games.\t{('sad', 'glad')[n % 2]}" for n in range(number)]
        (tmp_path / f"toy/{split}.tsv").write_text("\n".join(["text\tmood", *rows]) + "\n")
    ended = nsp("--config-dir", "mine", "scale=smoke", "name=own", "tasks=[toy]", "stage=finetune", "encoder=random")
    assert ended.status == 0, ended.err
    (path,) = (tmp_path / "results/own/records").glob("*.json")
    record = json.loads(path.read_text())
    assert (record["task"], record["primary_metric"], record["num_examples"]) == ("toy", "accuracy", 10)
    assert 0 <= record["metrics"]["accuracy"] <= 1
    assert (record["chance"], record["majority"], record["bag_of_words"]) == (0.5, 0.5, 1.0)
    assert "toy" in (tmp_path / "results/own/report/table.csv").read_text()
