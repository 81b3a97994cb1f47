"""Parts of a training set made of whole groups (articles, passages, first texts), chosen by hash and never by order."""

from collections import defaultdict

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import fingerprint


def groups_within(groups: list[str], max_examples: int, task: str) -> list[int]:
    """Return the numbers of the examples, ascending, of as many whole groups as `max_examples` hold: the first ones by
    hash, up to the first that does not fit. groups (N,): the group of each example.

    Raises InputError where not even the first fits.
    """
    if len(groups) <= max_examples:
        return list(range(len(groups)))
    kept: list[int] = []
    for members in _by_hash(groups, "max_train_examples"):
        if len(kept) + len(members) > max_examples:
            break
        kept += members
    if not kept:
        raise InputError(
            f"tasks.{task}.max_train_examples={max_examples} holds no whole article or passage, of which the first has "
            f"{len(_by_hash(groups, 'max_train_examples')[0])} examples; raise it"
        )
    return sorted(kept)


def hashed_tenth(groups: list[str], task: str) -> list[int]:
    """Return the numbers of the examples, ascending, of the whole groups that come first by hash and hold a tenth of
    all, or just more. Raises InputError where a single group holds all examples, so that nothing is left to train on.
    """
    parts = _by_hash(groups, "train_tenth")
    if len(parts) < 2:
        raise InputError(
            f"tasks.{task}: all training examples are of one article or passage, so that no tenth can be kept apart; "
            "set finetuning.selection=none"
        )
    kept: list[int] = []
    for members in parts[:-1]:
        if 10 * len(kept) >= len(groups):
            break
        kept += members
    return sorted(kept)


def _by_hash(groups: list[str], purpose: str) -> list[list[int]]:
    """Return the members of each group, the groups in an order that their names and the purpose alone decide."""
    members = defaultdict(list)
    for number, group in enumerate(groups):
        members[group].append(number)
    return [members[group] for group in sorted(members, key=lambda group: fingerprint([purpose, group]))]
