"""What `cli/hydra_bridge.py` leans on in Hydra, each part named: where a new Hydra lacks one, this says which."""

import dataclasses
import inspect
from importlib import import_module

import hydra
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, QuotedString, Transformer, ValueType
from omegaconf import OmegaConf

from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.hydra_bridge import launch, words_of
from nsp_ablation.cli.planned_cells import open_composer

# (module, name, parameters that we give): public unless the module says `_internal`.
USED = [
    ("hydra", "initialize_config_dir", ("config_dir", "job_name")),
    ("hydra", "main", ("config_path", "config_name")),
    ("hydra.core.config_store", "ConfigStore.store", ("name", "node", "group", "package")),
    ("hydra.core.config_store", "ConfigStore.get_type", ("path",)),
    ("hydra.core.global_hydra", "GlobalHydra.config_loader", ()),
    ("hydra.core.config_loader", "ConfigLoader.load_configuration", ("config_name", "overrides", "run_mode")),
    (
        "hydra.core.config_loader",
        "ConfigLoader.get_group_options",
        ("group_name", "results_filter", "config_name", "overrides"),
    ),
    ("hydra.core.config_loader", "ConfigLoader.list_groups", ("parent_name",)),
    ("hydra.core.config_loader", "ConfigLoader.compute_defaults_list", ("config_name", "overrides", "run_mode")),
    ("hydra.core.override_parser.overrides_parser", "OverridesParser.create", ("config_loader",)),
    ("hydra.core.override_parser.overrides_parser", "OverridesParser.parse_overrides", ("overrides",)),
    ("hydra.core.override_parser.types", "Override.sweep_iterator", ("transformer",)),
    ("hydra.core.override_parser.types", "Transformer.str", ("x",)),
    ("hydra.core.plugins", "Plugins.instantiate_launcher", ("hydra_context", "task_function", "config")),
    ("hydra.core.singleton", "Singleton.get_state", ()),
    ("hydra.types", "HydraContext", ("config_loader", "callbacks")),
    ("hydra.plugins.launcher", "Launcher.launch", ("job_overrides", "initial_job_idx")),
    ("hydra._internal.callbacks", "Callbacks", ("config",)),
    ("hydra._internal.callbacks", "Callbacks.on_multirun_start", ("config",)),
    ("hydra._internal.callbacks", "Callbacks.on_multirun_end", ("config",)),
]


@pytest.mark.parametrize(("module", "name", "parameters"), USED, ids=[row[1] for row in USED])
def test_part_exists_and_takes_what_we_give(module, name, parameters):
    part = import_module(module)
    for attribute in name.split("."):
        part = getattr(part, attribute)
    assert set(parameters) <= set(inspect.signature(part).parameters)


def parsed(word):
    return OverridesParser.create().parse_overrides([word])[0]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("seed=3", [(3, "seed=3")]),
        ("seed=1,2", [(1, "seed=1"), (2, "seed=2")]),
        ("seed=range(1,4)", [(1, "seed=1"), (2, "seed=2"), (3, "seed=3")]),
        ("a=range(0,1,0.5)", [(0.0, "a=0.0"), (0.5, "a=0.5")]),
        ("batch='256',2k", [("256", "batch='256'"), ("2k", "batch=2k")]),
        ("a=[1,'2'],[3]", [([1, "2"], "a=[1,'2']"), ([3], "a=[3]")]),
        ("++a.b={c:1}", [({"c": 1}, "++a.b={c:1}")]),
        ("a=null", [(None, "a=null")]),
    ],
)
def test_values_of_an_override_and_the_words_that_give_each_alone(word, expected):
    assert list(words_of(parsed(word))) == expected


def test_attributes_of_an_override():
    override = parsed("+a@b=1,2")
    assert (override.key_or_group, override.package, override.type) == ("a", "b", OverrideType.ADD)
    assert override.value_type == ValueType.SIMPLE_CHOICE_SWEEP
    assert {field.name for field in dataclasses.fields(Override)} >= {"type", "key_or_group", "package", "input_line"}
    assert QuotedString.__dataclass_fields__.keys() >= {"text"}
    assert Transformer.str("a") == "a"


def test_a_repository_reads_through_the_loaders_attribute(project_root):
    """`loader.repository` is replaced by one that reads each file once; Hydra copies it for each composition."""
    composer = open_composer(parse_arguments([]), project_root)
    composer.compose(("format=doc",))
    read = set(composer.loader.repository._read)
    assert {"config", "schema", "format/doc"} <= read
    composer.compose(("format=full",))
    assert set(composer.loader.repository._read) - read == {"format/full"}


def test_a_composition_holds_choices_and_sweep(project_root):
    composer = open_composer(parse_arguments([]), project_root)
    composition = composer.compose(("scale=micro",), is_sweep=True)
    assert composition.choices["hydra/launcher"] == "basic"
    assert composition.sweep == {"seed": "1,2,3,4,5"}
    assert OmegaConf.select(composition.settings({"seed": 7}), "seed") == 7


def test_a_launcher_runs_each_job_and_returns_its_status(project_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    composer = open_composer(parse_arguments([]), project_root)
    jobs = [["stage=report", "seed=1"], ["stage=report", "++finetuning.recipes={mnli:{batch_size:8}}"]]
    assert launch(composer, ["hydra.job.name=tried"], jobs, project_root / "src") == [0, 0]


def test_the_pinned_version_is_the_one_that_was_tried():
    assert hydra.__version__.startswith("1.3.")
