"""The science views: they change with every science setting and with nothing else."""

import copy
import dataclasses
import types
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.config.identity import (
    condition,
    condition_name,
    resolved_objective,
    science_settings,
)
from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FORMATS

CONDITION_KEYS = (
    *(
        "name",
        "format",
        "objective",
        "masking",
        "copies",
        "budget",
        "tokenizer",
        "model",
        "max_length",
        "batch",
        "updates",
    ),
    *("learning_rate", "corpus"),
)


@pytest.fixture
def rich(config):
    """A configuration in which every list and mapping of the schema has an item."""
    tasks = "tasks=[squad1,in_context_recall]"
    comparison = "report.comparisons=[{a:full,b:doc}]"
    corpus = ("corpus=books_wikipedia", "corpus.near_duplicates=remove")  # how they are found counts only then
    return config(*corpus, "pretraining.export_at=[5]", comparison, tasks)


def places(settings, path="", kinds=()):
    """Yield (path, kinds of the fields on the way, change) for each leaf; `change()` gives it another value."""
    hints = get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        here, way = f"{path}{field.name}", (*kinds, field.metadata["kind"])
        value = getattr(settings, field.name)
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if inner and all(dataclasses.is_dataclass(item) for item in inner):
            for item in inner:
                yield from places(item, f"{here}.", way)
        else:
            choices = [choice for choice in field.metadata.get("choices", ()) if choice != value]
            new = choices[-1] if choices else another(value, hints[field.name])
            yield here, way, lambda settings=settings, name=field.name, new=new: setattr(settings, name, new)


def another(value, annotation):
    """Return a value of the annotation's type that differs from `value`."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(argument for argument in get_args(annotation) if argument is not type(None))
    if get_origin(annotation) is list:
        return [*value, *(value[:1] or [another(None, get_args(annotation)[0])])]
    if get_origin(annotation) is dict:
        return {**value, "new": another(None, get_args(annotation)[1])}
    if dataclasses.is_dataclass(annotation):
        return object.__new__(annotation)
    if annotation is Any:  # one text or a list of them
        return ["another", "and one more"]
    if value is None:
        return annotation(1)
    return not value if annotation is bool else value + annotation(1)


def changed_paths(rich, view):
    """Return the paths of all leaves, and of those whose change changes the fingerprint of the view."""
    before, num_places = fingerprint(view(rich)), len(list(places(rich)))
    everything, changed = {}, set()
    for place in range(num_places):
        other = copy.deepcopy(rich)
        path, kinds, change = list(places(other))[place]
        change()
        everything[path] = kinds
        if fingerprint(view(other)) != before:
            changed.add(path)
    return everything, changed


# What FULL-SENTENCES does not have, keys of other formats and a loss on pairs: they never change its science.
FOREIGN = {
    f"format.{name}" for facts in FORMATS.values() for name in facts.options if name not in FORMATS["full"].options
} | {"pretraining.pair_loss_weight"}


def science_paths(everything):
    return {path for path, kinds in everything.items() if set(kinds) == {"science"}} - FOREIGN


def test_science_changes_with_each_science_setting_and_with_no_other(rich):
    everything, changed = changed_paths(rich, science_settings)
    assert changed == science_paths(everything)
    assert len(changed) > 60
    assert len(everything) - len(changed) > 40
    assert {"model.dropout", "trainer.precision", "objective", "corpus.hub.split", "masking.copies"} <= changed
    assert not {"seed", "finetuning.seeds", "corpus.path", "trainer.devices", "tasks.path", "encoder", "name"} & changed


@pytest.mark.parametrize(
    ("format_name", "objective", "resolved"),
    [
        ("segment_pair", "paper", "mlm_nsp"),
        ("sentence_pair", "paper", "mlm_nsp"),
        ("full", "paper", "mlm"),
        ("doc", "paper", "mlm"),
        ("segment_pair", "mlm", "mlm"),
        ("segment_pair", "mlm_sop", "mlm_sop"),
    ],
)
def test_resolved_objective(config, format_name, objective, resolved):
    assert resolved_objective(config(f"format={format_name}", f"objective={objective}")) == resolved


def test_a_condition_is_named_by_format_resolved_objective_and_masking(config):
    assert condition_name(config("format=doc", "masking=dynamic")) == "doc-mlm-dynamic"
    assert condition_name(config("condition=segment_pair_sop", "masking=static")) == "segment_pair-mlm_sop-static"


def test_an_objective_typed_and_one_resolved_are_the_same_science(config):
    assert science_settings(config("condition=full")) == science_settings(config())
    assert science_settings(config("condition=dynamic")) == science_settings(config("condition=segment_pair_nsp"))


def test_condition_has_the_records_keys_and_the_typed_values(config):
    found = condition(config("condition=static_x10", "batch.sequences=7", "budget=tokens"))
    assert tuple(found) == CONDITION_KEYS
    assert (found["format"], found["objective"], found["masking"], found["copies"]) == (
        *("segment_pair", "mlm_nsp", "static", 10),
    )
    assert found["name"] == "static_x10"
    assert (found["batch"], found["budget"], found["model"], found["corpus"]) == (7, "tokens", "micro", "microworld")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (("format=doc",), "doc"),
        (("format=segment_pair", "format.nsp_balance=exact"), "segment_pair-nsp_balance=exact"),
        (("format=full", "format.sentence_separator=true", "masking=static"), "full-sentence_separator=true"),
        (("condition=segment_pair_nsp", "format.nsp_balance=exact"), "segment_pair_nsp"),
    ],
)
def test_a_condition_without_a_name_has_its_formats_and_the_options_that_differ(config, typed, name):
    assert condition(config(*typed))["name"] == name


def test_every_field_says_its_kind_what_it_means_and_its_default():
    classes = set(dataclasses_below(Config))
    assert len(classes) > 15
    for cls in classes:
        for field in dataclasses.fields(cls):
            assert field.metadata["kind"] in ("science", "machine", "identity"), f"{cls.__name__}.{field.name}"
            assert len(field.metadata["help"]) > 6, f"{cls.__name__}.{field.name}"
            has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
            assert has_default, f"{cls.__name__}.{field.name}"


def dataclasses_below(annotation):
    if dataclasses.is_dataclass(annotation):
        yield annotation
    inner = get_type_hints(annotation).values() if dataclasses.is_dataclass(annotation) else get_args(annotation)
    for argument in inner:
        yield from dataclasses_below(argument)
