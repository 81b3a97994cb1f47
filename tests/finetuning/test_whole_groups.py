"""Parts of a training set: whole groups, within a limit or a tenth, by hash and not by order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.learning.tasks.task_kind import read_task, task_kind
from nsp_ablation.learning.tasks.whole_groups import groups_within, hashed_tenth

names = st.lists(st.sampled_from([f"g{n}" for n in range(12)]), min_size=2, max_size=60)


def chosen(groups, kept):
    """The groups of the examples kept, after a check that each is kept whole."""
    found = {groups[number] for number in kept}
    assert kept == [number for number, group in enumerate(groups) if group in found]
    return found


@given(names, st.integers(12, 60), st.randoms())
def test_as_many_whole_groups_as_a_limit_holds_whatever_the_order(groups, limit, draw):
    largest = max(groups.count(group) for group in groups)
    try:
        kept = groups_within(groups, limit, "x")
    except ValueError:
        assert largest > limit
        return
    assert len(kept) <= limit
    assert len(kept) == len(groups) or len(kept) > limit - largest
    assert kept
    shuffled = groups.copy()
    draw.shuffle(shuffled)
    assert chosen(groups, kept) == chosen(shuffled, groups_within(shuffled, limit, "x"))


@given(names, st.randoms())
def test_a_tenth_is_as_few_whole_groups_as_hold_it(groups, draw):
    if len(set(groups)) == 1:
        with pytest.raises(ValueError, match="tasks.x: all training examples are of one article .*selection=none"):
            hashed_tenth(groups, "x")
        return
    kept = hashed_tenth(groups, "x")
    found = chosen(groups, kept)
    assert 0 < len(kept) < len(groups)
    if 10 * len(kept) < len(groups):
        assert len(found) == len(set(groups)) - 1  # the last group is left to train on
    assert any(10 * (len(kept) - groups.count(group)) < len(groups) for group in found)  # without the last
    shuffled = groups.copy()
    draw.shuffle(shuffled)
    assert chosen(shuffled, hashed_tenth(shuffled, "x")) == found


def test_a_limit_below_the_first_group_says_how_large_that_is():
    with pytest.raises(
        ValueError, match="tasks.x.max_train_examples=4 holds no whole article .* first has 5 examples; raise"
    ):
        groups_within(["a"] * 5 + ["b"] * 5, 4, "x")


def test_both_parts_are_of_all_places_of_the_files():
    groups = [str(n) for n in range(1000)]
    for kept in (groups_within(groups, 100, "x"), hashed_tenth(groups, "x")):
        assert len(kept) == 100
        assert 400 < sum(kept) / 100 < 600


def test_training_alone_is_limited_and_pairs_of_a_premise_stay_together(tmp_path, task_of):
    rows = [f"premise {n // 3}\tb{n}\tyes" for n in range(60)]
    for split in ("train", "dev"):
        (tmp_path / f"{split}.tsv").write_text("\n".join(["a\tb\tl", *random.Random(0).sample(rows, 60)]))
    columns = {"text_columns": ["a", "b"], "label_column": "l", "labels": ["yes"], "max_train_examples": 20}
    task = task_of("classification", tmp_path, "train.tsv", "dev.tsv", **columns)
    train = read_task(task, "train")
    counts = {first: [example.texts[0] for example in train].count(first) for first, _ in (e.texts for e in train)}
    assert set(counts.values()) == {3}
    assert len(train) == 18
    assert [int(example.id) for example in train] == sorted(int(example.id) for example in train)
    assert len(read_task(task, "dev")) == 60
    assert task_kind(task).groups(train) == [example.texts[0] for example in train]
