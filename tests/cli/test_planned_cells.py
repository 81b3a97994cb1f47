"""The cells of a command: as if each were composed alone, and a thousand of them in no time."""

import json
import time
from dataclasses import replace

import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.overrides import as_typed
from nsp_ablation.cli.planned_cells import open_composer, plan
from nsp_ablation.config.identity import cell_identity
from nsp_ablation.config.problem import ConfigurationError


def test_a_thousand_seeds_are_planned_in_seconds(cells):
    started = time.process_time()
    found = cells("-m", "seed=range(1,1001)", "stage=pretrain")
    assert time.process_time() - started < 5
    assert [cell.config.seed for cell in found] == list(range(1, 1001))
    assert found[-1].overrides == ["seed=1000", "stage=pretrain"]


@pytest.mark.parametrize(
    "sweep",
    [
        ("seed=1,2", "model.dropout=0,1e-1"),
        ("corpus.vocab_sizes.bbpe=500,600",),
        ("finetuning.recipes.mnli.learning_rate=1,2", "finetuning.recipes.mnli.batch_size=8"),
        ("tasks.squad1.title=null,x", "masking=static", "masking.copies=1,2"),
    ],
    ids=" ".join,
)
def test_each_cell_equals_itself_alone(cells, sweep):
    found = cells("-m", *sweep)
    assert len(found) > 1
    for cell in found:
        assert cells(*cell.overrides)[0].config == cell.config


def test_a_setting_of_a_task_reaches_the_cells_that_select_it(cells):
    """In a sweep over tasks; what no cell selects is refused as in a single run."""
    found = cells("-m", "tasks=[sst2],[race,mnli]", "tasks.sst2.title=x", "tasks.race.max_choice_tokens=7,9")
    told = [(list(cell.config.tasks), cell.overrides) for cell in found]
    sst2 = (["sst2"], ["tasks=[sst2]", "tasks.sst2.title=x"])
    assert told[0] == sst2
    assert [tasks for tasks, _ in told[1:]] == [["race", "mnli"]] * 2
    assert [overrides[1:] for _, overrides in told[1:]] == [[f"tasks.race.max_choice_tokens={n}"] for n in (7, 9)]
    for cell in found:
        assert cells(*cell.overrides)[0].config == cell.config
    with pytest.raises(ValueError, match=r"tasks.squad1.title=x: not selected; add it to tasks=\[sst2,squad1\]"):
        cells("-m", "tasks=[sst2],[race]", "tasks.squad1.title=x")


LINES = ("masking=static masking.copies=1,2", "format=doc batch=2k", "seed=1 masking.probability=0.35,0.25")


def further(*lines):
    quoted = ",".join(f"'{line}'" for line in lines)
    return f"launcher.further_sweeps=[{quoted}]"


@pytest.mark.parametrize("own", [("model.dropout=0,0.1",), ("tasks=[sst2]", "max_length=48,96"), ("format=full,doc",)])
def test_further_sweeps_are_those_of_commands_of_their_own(cells, project_root, own):
    """Each line as if it were typed behind the rest; of one whose key is typed nothing is made, and no cell twice."""
    found = cells("-m", *own, further(*LINES))
    lines = [line.split() for line in LINES if not ("format" in line and own[0].startswith("format"))]
    alone = [cell for words in ([], *lines) for cell in cells("-m", *own, *words)]
    identities = [(cell.config.seed, json.dumps(cell_identity(cell.config))) for cell in alone]
    assert [(cell.config.seed, json.dumps(cell_identity(cell.config))) for cell in found] == list(
        dict.fromkeys(identities)
    )
    assert len(found) < len(alone), "the probability of the last line's first cell is the default"
    composer = open_composer(parse_arguments([]), project_root)
    for cell in found[1:]:
        alone = replace(cell.config, launcher=replace(cell.config.launcher, further_sweeps=[]))
        assert cells(*cell.overrides)[0].config == alone
        assert OmegaConf.to_object(composer.compose(tuple(cell.words)).settings({})) == cell.config, "as Slurm makes it"


def test_an_experiment_has_sweeps_beside_its_grid(cells, project_root, tmp_path):
    root = tmp_path / "root"
    (root / "experiments").mkdir(parents=True)
    (root / "conf").symlink_to(project_root / "conf")
    text = "launcher: {further_sweeps: [format=doc masking=static]}\nhydra: {sweeper: {params: {format: 'full,doc'}}}\n"
    (root / "experiments" / "beside_its_grid.yaml").write_text(text)
    composer = open_composer(parse_arguments([]), root)

    def planned(*words):
        found = plan(parse_arguments(["-m", "experiment=beside_its_grid", *words]), composer).cells
        return [(cell.config.format.name, cell.config.masking.name) for cell in found]

    grid = [("full", "dynamic"), ("doc", "dynamic")]
    assert planned() == [*grid, ("doc", "static")]
    assert planned("seed=2,3") == [*grid[:1] * 2, *grid[1:] * 2, *[("doc", "static")] * 2]
    assert planned("format=full") == grid[:1]
    assert planned("launcher.further_sweeps=[]") == grid


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((further("formt=doc"),), "launcher.further_sweeps: formt=doc: no such setting; did you mean format?"),
        ((further("masking.probability=2,0.1"),), "launcher.further_sweeps: masking.probability=2.0: expected"),
        (('launcher.further_sweeps=["seed=\'1"]',), "launcher.further_sweeps=seed='1: cannot be read: No closing"),
        ((further("seed=1,2,3"), "launcher.max_cells=3"), "seed: the sweep has 4 cells; expected at most"),
    ],
)
def test_a_further_sweep_that_is_wrong_is_refused_by_name(refused, words, line):
    (found,) = refused("-m", *words)
    assert found.startswith(line)


def test_further_sweeps_that_are_typed_need_m(refused, cells):
    (line,) = refused("format=doc", further("seed=1,2"))
    assert line == "launcher.further_sweeps=['seed=1,2']: are sweeps, which need -m"
    assert len(cells("experiment=study_sensitivity", "seed=1", "condition=doc", "corpus=microworld")) == 1


@pytest.mark.parametrize(
    "sweep",
    [
        ("format=segment_pair,full,doc", "masking=static,dynamic"),
        ("masking=dynamic,static", "model=laptop", "format={resample:true}"),
        ("masking=static,dynamic", "scale=smoke", "finetuning=bert,roberta"),
        pytest.param(("masking=static,dynamic", "batch=256,2k", "scale=micro,smoke"), marks=pytest.mark.slow),
        ("masking=static,dynamic", "masking.probability=0.2,0.3"),
        ("tokenizer=bbpe,wordpiece", "corpus.vocab_sizes.wordpiece=500,600"),
    ],
    ids=" ".join,
)
def test_cells_that_differ_in_groups_equal_what_hydra_composes_for_each(cells, project_root, sweep):
    composer = open_composer(parse_arguments([]), project_root)
    found = cells("-m", *sweep)
    assert len(found) > 1
    for cell in found:
        assert OmegaConf.to_object(composer.compose(tuple(cell.words)).settings({})) == cell.config


def test_cells_of_two_groups_are_composed_once(project_root):
    """A composition takes a sixth of a second, a cell made from it a fiftieth."""
    composer = open_composer(parse_arguments([]), project_root)
    for name in ("segment_pair", "sentence_pair", "full", "doc"):
        for masking in ("masking=static", "masking=dynamic"):
            composer.compose_cell((f"format={name}", masking))
    assert composer.compose.cache_info().misses == 1


def test_a_value_that_others_interpolate_changes_them_too(cells):
    found = cells("-m", "corpus.vocab_sizes.bbpe=500,600")
    assert [cell.config.tokenizer.vocab_size for cell in found] == [500, 600]


def test_a_recipe_that_is_not_there_yet_is_made_as_typed(config, cells):
    assert config().finetuning.recipes.keys() == {"squad2", "mnli", "sst2", "race"}
    (cell,) = cells("finetuning.recipes.squad1.learning_rate=1e-4", "corpus.vocab_sizes.mine=3")
    assert cell.config.finetuning.recipe_of("squad1").learning_rate == 1e-4
    assert cell.config.finetuning.recipe_of("squad1").batch_size == 16
    assert cell.config.corpus.vocab_sizes["mine"] == 3
    assert cell.overrides == ["finetuning.recipes.squad1.learning_rate=1e-4", "corpus.vocab_sizes.mine=3"]


@pytest.mark.parametrize(
    "typed",
    [
        ("finetuning.recipes.mnli.learning_rate=0.001", "finetuning.recipes.mnli.batch_size=8"),
        ("tasks.squad1.path=null", "tasks.in_context_recall.hub.path=x", "batch=256", "corpus.vocab_sizes.mine=3"),
    ],
    ids=" ".join,
)
def test_what_hydra_composes_for_a_launcher_is_the_planned_cell(cells, project_root, typed):
    (cell,) = cells(*typed)
    composition = open_composer(parse_arguments([]), project_root).compose(tuple(cell.words))
    assert OmegaConf.to_object(composition.settings({})) == cell.config
    assert [as_typed(word) for word in cell.words] == list(typed)


def test_a_recipe_can_be_given_whole(config):
    for word in ("finetuning.recipes.mnli={learning_rate:0.1}", "+finetuning.recipes.mnli={learning_rate:0.1}"):
        assert config(word).finetuning.recipe_of("mnli").learning_rate == 0.1


def test_an_experiment_is_read_when_it_is_chosen(project_root, tmp_path, monkeypatch):
    """Ten files take 120 ms; and one that is no YAML disturbs its own command alone."""
    store = ConfigStore.instance()
    monkeypatch.setattr(store, "repo", {**store.repo, "experiment": {}})
    (tmp_path / "conf").symlink_to(project_root / "conf")
    experiments = tmp_path / "experiments"
    experiments.mkdir()
    (experiments / "whole.yaml").write_text("name: a_study\n")
    (experiments / "broken.yaml").write_text("name: [")
    composer = open_composer(parse_arguments([]), tmp_path)
    (plain,) = plan(parse_arguments(["format=doc"]), composer).cells
    (chosen,) = plan(parse_arguments(["experiment=whole"]), composer).cells
    assert (plain.config.name, chosen.config.name) == ("adhoc", "a_study")
    with pytest.raises(ConfigurationError, match=r"^experiment/broken\.yaml is no YAML: .*line 1, column 8$"):
        plan(parse_arguments(["experiment=broken"]), composer)


def test_a_users_own_file_that_is_no_yaml_is_named(project_root, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").write_text("# @package _global_\nmodel: {num_layers: 3\n")
    arguments = parse_arguments(["--config-dir", str(tmp_path), "model=mine"])
    with pytest.raises(ConfigurationError, match=r"^model/mine\.yaml is no YAML: .*line 3, column 1") as refused:
        plan(arguments, open_composer(arguments, project_root))
    assert len(refused.value.lines) == 1
