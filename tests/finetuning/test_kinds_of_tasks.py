"""Every kind of task is found by its name and has what its protocol asks for; fine-tuned kinds never load torch."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import nsp_ablation
from nsp_ablation.learning.finetuning.task_model import HeadKind
from nsp_ablation.learning.probes.probe_inputs import Probe
from nsp_ablation.learning.tasks.task_kind import TaskKind
from nsp_ablation.options.task_options import METRICS, TASK_KINDS, TaskOptions
from nsp_ablation.options.wanted_files import wanted_files

TRAINED = sorted(kind for kind, facts in TASK_KINDS.items() if not facts.is_probe)
PROBES = sorted(set(TASK_KINDS) - set(TRAINED))


def assert_implements(module: str, protocol: type, *left_out: str) -> None:
    wanted = [name for name in vars(protocol) if not name.startswith("_") and name not in left_out]
    assert wanted
    for name in wanted:
        parameters = list(inspect.signature(getattr(protocol, name)).parameters)[1:]
        assert list(inspect.signature(getattr(import_module(module), name)).parameters) == parameters, (module, name)


@pytest.mark.parametrize("kind", TRAINED)
def test_a_fine_tuned_kind_is_a_module_and_a_head(kind):
    assert_implements(
        TASK_KINDS[kind].module, TaskKind, *([] if TASK_KINDS[kind].has_contexts else ["with_foreign_contexts"])
    )
    assert_implements(TASK_KINDS[kind].head_module, HeadKind)


@pytest.mark.parametrize("kind", PROBES)
def test_a_probe_is_a_module(kind):
    reads_files = TASK_KINDS[kind].reads == "files"
    assert_implements(TASK_KINDS[kind].module, Probe, *([] if reads_files else ["check_files", "contexts"]))


def test_fine_tuned_kinds_never_load_torch():
    modules = ", ".join(TASK_KINDS[kind].module for kind in TRAINED)
    code = f"import sys, {modules}; sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    source = str(Path(nsp_ablation.__file__).parents[1])
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": source}).returncode == 0


def test_facts_name_options_and_metrics_that_exist():
    options = set(TaskOptions.__dataclass_fields__)
    for kind, facts in TASK_KINDS.items():
        assert set(facts.required) <= set(facts.options) <= options, kind
        assert facts.metrics, kind
        assert set(facts.metrics) <= set(METRICS), kind


def test_every_option_belongs_to_all_kinds_or_is_claimed_by_some():
    shared = {"name", "kind", "title", "metric", "path", "train_file", "dev_file", "hub"}
    claimed = {option for facts in TASK_KINDS.values() for option in facts.options}
    assert claimed | shared == set(TaskOptions.__dataclass_fields__)
    assert not claimed & shared


def test_wanted_files_are_those_that_a_task_names_else_its_kinds():
    def wanted(kind, **files):
        return wanted_files(TaskOptions("task", kind, metric=TASK_KINDS[kind].metrics[0], **files))

    assert wanted("span_qa", train_file="a", dev_file="b") == {"train": (("a",),), "dev": (("b",),)}
    assert wanted("span_qa") == {"train": (), "dev": ()}
    assert wanted("multiple_choice", dev_file="b") == {"train": (("train",), ("train.jsonl",)), "dev": (("b",),)}
    assert wanted("minimal_pairs") == {"dev": (("*.jsonl",),)}
    assert wanted("minimal_pairs", dev_file=["b", "a*"]) == {"dev": (("b", "a*"),)}
    assert wanted("recall") == {}
