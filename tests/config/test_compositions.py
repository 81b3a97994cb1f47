"""Every file of conf/ and experiments/ composes and passes the checks, in the order of precedence that is promised."""

import re
from pathlib import Path

import pytest
import yaml

from nsp_ablation.config.combinations import combination_problems
from nsp_ablation.config.identity import condition, encoder_identity, science_settings
from nsp_ablation.config.tree import leaves
from nsp_ablation.options.corpus_options import READERS
from nsp_ablation.options.output_options import MAX_COMPARISONS
from nsp_ablation.options.planned_pairs import NamedArm, compared_pairs, other_names
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions

ROOT = Path(__file__).parents[2]
GROUPS = sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir())
EXPERIMENTS = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))
DESCRIPTIVE = {"calibration", "study_sensitivity", "study_long", "study_articles"}  # nothing is compared by plan
COMPARING = [name for name in EXPERIMENTS if name not in DESCRIPTIVE]
# of an experiment, whatever it sweeps
ONE_CELL = ("seed=1", "tokenizer=wordpiece", "pretraining.learning_rate=1e-3")
# Per seed: seven arms of loss_vs_format, two kinds of static masks, eight further cells of table3_batch, five of
# table4_data, two of budget_confound, another tokenizer, SOP.
NUM_ENCODERS = 7 + 2 + 8 + 5 + 2 + 1 + 1
SINGLE_RUNS = (
    "stage=inspect format=doc",
    "condition=segment_pair_mlm",
    "condition=segment_pair_contiguous",
    "format=full format.lengths=doc",
    "tasks=[squad1,race]",
    "batch=2k",
    "batch=256",
    "batch.sequences=32",
    "model=laptop",
    "trainer=cpu",
    "logger=wandb",
    "masking=static masking.copies=10",
    "stage=finetune encoder=bert-base-uncased",
    "stage=finetune encoder=google/bert_uncased_L-2_H-128_A-2",
    "encoder=random",
    "stage=pretrain tasks=[]",
    "stage=export export.output=copy",
    "finetuning.seeds=[1,2,3]",
    "inspect.num_samples=all",
    "tokenizer=pretrained tokenizer.path=roberta-base",
    "tokenizer=wordpiece model.architecture=roberta",
    "tokenizer=bbpe model.architecture=bert",
)


FILES = {("scale", "laptop"), ("scale", "babylm")}  # corpora of files
# Of experiments that are not micro unless said.
OWN_SCALE = {name: "laptop" for name in EXPERIMENTS if name.startswith("study")} | {"babylm": "babylm"}


def options(group):
    return sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml"))


def needs(group, option, directory):
    """What an option cannot be used without."""
    settings = yaml.safe_load((ROOT / "conf" / group / f"{option}.yaml").read_text())
    if (group == "corpus" and READERS[settings["reader"]].reads_files) or (group, option) in FILES:
        (directory / "a.txt").write_text("text")
        return ["corpus.path=a.txt"]
    if (group, option) == ("preparation", "datatrove_slurm"):
        return ["preparation.partition=cpu"]
    if (group, option) == ("tokenizer", "pretrained"):
        return ["tokenizer.path=bert-base-uncased"]
    has_files = group == "tasks" and TASK_KINDS[settings["kind"]].reads == "files"
    return ["corpus=wikipedia"] if has_files and option not in READERS["microworld"].generated_tasks else []


@pytest.fixture(autouse=True)
def _an_engine_is_taken_for_installed(monkeypatch):
    monkeypatch.setattr("nsp_ablation.config.preparation_checks.find_spec", lambda name: name)


def is_named(composed, group, option):
    if group == "tasks":
        return list(composed.tasks) == [option]
    if group == "batch":
        smoke = composed.scale_name == "smoke"
        return composed.batch.sequences == (4 if smoke else {"256": 256, "2k": 2048, "8k": 8192}[option])
    if group in ("condition", "scale"):
        return getattr(composed, f"{group}_name") == option
    return getattr(composed, group).name == option


@pytest.mark.parametrize(("group", "option"), [(group, option) for group in GROUPS for option in options(group)])
def test_every_option_composes_and_is_named_as_its_file(config, tmp_path, group, option):
    assert is_named(config(f"{group}={option}", *needs(group, option, tmp_path)), group, option)


# Groups that stand together in one command: a condition sets format and masking, and a task may need its own corpus.
TOGETHER = (("condition", "tasks"), tuple(sorted({*GROUPS} - {"condition", "tasks", "scale"})))


@pytest.mark.parametrize(
    ("groups", "number"),
    [(groups, number) for groups in TOGETHER for number in range(max(len(options(group)) for group in groups))],
)
def test_every_option_composes_at_smoke_scale_beside_others(config, tmp_path, groups, number):
    chosen = {group: options(group)[number % len(options(group))] for group in groups}
    words = [f"{group}={option}" for group, option in chosen.items()]
    needed = {word for group, option in chosen.items() for word in needs(group, option, tmp_path)}
    composed = config("scale=smoke", *words, *sorted(needed))
    assert all(is_named(composed, group, option) for group, option in chosen.items())


@pytest.fixture(scope="module")
def experiments(planned):
    """The cells of each experiment at its own scale, with one seed of its list; the A/A study with all."""
    words = {experiment: () if experiment == "aa" else ("seed=1",) for experiment in COMPARING}
    for experiment in set(OWN_SCALE) & set(words):  # which have no text of their own
        words[experiment] += (f"corpus.path={ROOT}/README.md",)
    return {name: planned("-m", f"experiment={name}", *more) for name, more in words.items()}


@pytest.mark.slow
@pytest.mark.parametrize("experiment", COMPARING)
def test_every_experiment_has_the_arms_that_it_compares(experiments, experiment):
    found = experiments[experiment]
    assert {cell.config.name for cell in found} == {f"{experiment}/{OWN_SCALE.get(experiment, 'micro')}"}
    conditions = {encoder_identity(cell.config): condition(cell.config) for cell in found if cell.config.seed == 1}
    arms = [NamedArm(frozenset([each["name"]]), other_names(each), each, {}) for each in conditions.values()]
    report = found[0].config.report
    assert [len(compared_pairs(pair, arms)) for pair in report.comparisons] == [1] * len(report.comparisons)
    assert 1 <= len(report.comparisons) <= MAX_COMPARISONS
    assert len({encoder_identity(cell.config) for cell in found}) == len(found) > 1
    assert report.primary_measure.partition(".")[0] in found[0].config.tasks
    assert 0 < report.margin <= report.smallest_effect


@pytest.mark.parametrize(("number", "experiment"), [*enumerate(COMPARING)])
def test_an_arm_of_every_experiment_composes_at_a_larger_scale(cells, tmp_path, number, experiment):
    scale = ("laptop", "gpu", "paper")[number % 3]
    needed = needs("scale", scale, tmp_path)
    (found,) = cells("-m", f"experiment={experiment}", f"scale={scale}", "condition=full", *ONE_CELL, *needed)
    assert (found.config.name, found.config.scale_name) == (f"{experiment}/{scale}", scale)


@pytest.mark.slow
def test_experiments_share_the_cells_that_are_equal(experiments):
    """One encoder for each arm, whatever experiment names it: so it is trained once, and its records are taken over."""
    names, sharing = {}, {}
    for experiment, found in experiments.items():
        if experiment in OWN_SCALE:  # another corpus and model
            continue
        for config in (cell.config for cell in found if cell.config.seed == 1):
            key = encoder_identity(config)
            names.setdefault(key, set()).add(condition(config)["name"])
            sharing.setdefault(key, set()).add(experiment)
    together = {
        name: [sharing[key] for key in names if name in names[key]] for found in names.values() for name in found
    }
    full = {"aa", "budget_confound", "loss_vs_format", "table2_formats", "table4_data", "table3_batch", "tokenizer"}
    assert full in together["full"], "beside those of other learning rates and another tokenizer"
    assert together["segment_pair_nsp"] == [
        {"budget_confound", "loss_vs_format", "sop", "table1_masking", "table2_formats"}
    ]
    assert together["dynamic"] == together["segment_pair_nsp"], "two tables name one cell"
    assert together["sentence_pair_nsp"] == [{"budget_confound", "loss_vs_format", "table2_formats"}]
    assert together["segment_pair_contiguous"] == [{"loss_vs_format", "sop"}]
    assert together["doc"] == [{"loss_vs_format", "table2_formats"}]
    assert len(names) == NUM_ENCODERS


def test_the_encoders_of_the_study_are_those_of_its_tasks_and_of_its_sensitivity_cells(cells):
    """So they are trained once, and what is said of them elsewhere is said of the study's own."""

    def encoders(experiment, *words):
        found = cells("-m", f"experiment={experiment}", "seed=1", f"corpus.path={ROOT}/README.md", *words)
        return [(condition(cell.config)["name"], encoder_identity(cell.config)) for cell in found]

    study = encoders("study")
    assert encoders("study_tasks") == study
    grid = encoders("study_sensitivity", "launcher.further_sweeps=[]")
    assert all(one in study for one in grid)
    beside = encoders("study_sensitivity")[len(grid) :]
    assert len(grid) == 5
    assert len(beside) == 22
    assert not any(one in study for one in beside)


def named_arm(cell):
    own = condition(cell.config)
    settings = {path: value for path, _, value in leaves(science_settings(cell.config)) if path != ("seed",)}
    return NamedArm(frozenset([own["name"]]), other_names(own), own, settings)


def test_pairs_of_the_sensitivity_cells_stand_for_the_cells_that_are_made(cells):
    """Each arm that is changed is compared with one that is changed alike, or with one of equal counts."""
    found = cells("-m", "experiment=study_sensitivity", f"corpus.path={ROOT}/README.md")
    arms, report = list(map(named_arm, found)), found[0].config.report
    pairs = [pair for plan in report.explored for pair in compared_pairs(plan, arms)]
    assert {number for pair in pairs for number in pair} == set(range(len(arms)))
    assert len({*pairs}) == len(pairs)


def test_the_calibration_has_a_cell_per_task(cells):
    found = cells("-m", "experiment=calibration")
    assert sorted(name for cell in found for name in cell.config.tasks) == sorted(READERS["microworld"].generated_tasks)


@pytest.mark.parametrize("scale", ["gpu", "paper"])
@pytest.mark.parametrize("trainer", ["ddp", "slurm"])
def test_large_scales_compose_with_trainers_of_several_devices(config, scale, trainer):
    composed = config(f"scale={scale}", f"trainer={trainer}", "trainer.devices=4")
    assert (composed.scale_name, composed.trainer.name, composed.trainer.devices) == (scale, trainer, 4)
    assert composed.trainer.accelerator == "gpu"


def test_a_run_is_never_more_than_half_a_minute_of_work_from_its_checkpoint(config):
    assert config().pretraining.checkpoint_seconds <= 30


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_states_its_question_plan_cost_and_expectation(experiment):
    header = (ROOT / "experiments" / f"{experiment}.yaml").read_text().partition("defaults:")[0]
    heads = ["Command", "Cost", "Budget", "Plan", "Primary", "Expected"]
    assert re.findall(r"^# (\w+) ", header, re.MULTILINE) == heads
    assert f"python run.py -m experiment={experiment}" in header
    whole = yaml.safe_load((ROOT / "experiments" / f"{experiment}.yaml").read_text())
    assert "?" in whole["report"]["question"]


def test_an_experiment_is_micro_unless_said(cells):
    assert {cell.config.name for cell in cells("-m", "experiment=table2_formats", "seed=1")} == {"table2_formats/micro"}


@pytest.mark.parametrize("command", SINGLE_RUNS)
def test_commands_of_the_contract_compose(config, command):
    config(*command.split())


def test_defaults(config):
    composed = config()
    assert (composed.format.name, composed.masking.name, composed.objective) == ("full", "dynamic", "paper")
    assert (composed.budget, composed.tokenizer.name, composed.stage) == ("paper", "bbpe", "all")
    assert (composed.model.name, composed.corpus.name, composed.seed) == ("micro", "microworld", 1)
    assert list(composed.tasks) == ["squad1", "squad2", "mnli", "sst2", "race", "in_context_recall"]
    assert (composed.max_length, composed.name) == (96, "adhoc")


def test_main_job_has_one_cell_a_format(cells):
    found = cells("-m", "format=full,doc", "masking=dynamic")
    assert [cell.config.format.name for cell in found] == ["full", "doc"]
    assert [cell.overrides for cell in found] == [["format=full", "masking=dynamic"], ["format=doc", "masking=dynamic"]]


def test_slurm_launcher_composes_where_it_is_installed(cells):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    assert len(cells("-m", "format=full,doc", "trainer=slurm", "hydra/launcher=submitit_slurm")) == 2


@pytest.mark.parametrize(
    ("command", "sequences"),
    [
        ("model=micro", 11),
        ("model=micro batch=2k", 2048),
        ("model=micro batch=2k scale=smoke", 4),
        ("model=micro batch=2k scale=smoke batch.sequences=7", 7),
    ],
)
def test_precedence_of_model_batch_scale_and_command_line(config, command, sequences):
    assert config(*command.split()).batch.sequences == sequences


def test_condition_sets_format_objective_and_masking_over_their_groups(config):
    composed = config("condition=static_x10")
    assert (composed.format.name, composed.objective) == ("segment_pair", "mlm_nsp")
    assert (composed.masking.name, composed.masking.copies) == ("static", 10)


def test_typed_seed_replaces_the_seeds_of_the_scale(cells):
    command = ("-m", "experiment=loss_vs_format", "condition=full")
    assert {cell.config.seed for cell in cells(*command)} == {1, 2, 3, 4, 5}
    assert {cell.config.seed for cell in cells(*command, "seed=7,8")} == {7, 8}


def test_vocabulary_size_is_that_of_corpus_and_tokenizer(config):
    assert config("corpus=wikipedia", "tokenizer=bbpe").tokenizer.vocab_size == 50265
    assert config("corpus=wikipedia", "tokenizer=wordpiece").tokenizer.vocab_size == 30522
    assert config("corpus=wikipedia", "tokenizer.vocab_size=1000").tokenizer.vocab_size == 1000


def test_cells_that_differ_in_plain_values_equal_those_composed_alone(cells):
    """The sweep composes one cell a condition and copies it for each seed; each must equal its own composition."""
    found = cells("-m", "experiment=table1_masking", "seed=1,2", "model.dropout=0.1,0.2", "scale=smoke")
    assert len(found) == 12
    for cell in found[1::5]:
        assert cells(*cell.overrides)[0].config == cell.config


def test_micro_world_tasks_are_those_that_it_writes():
    from nsp_ablation.text.microworld.world_tasks import NUM_TRAIN

    assert set(READERS["microworld"].generated_tasks) == set(NUM_TRAIN)


@pytest.mark.parametrize("names", [("tiny", "Tiny"), ("sst2", "other", "SST2"), ("a", "b", "c")])
def test_tasks_whose_names_differ_by_case_alone_are_refused(planned, names):
    """Their records have one name on most file systems of macOS."""
    (cell,) = planned("stage=report")
    cell.config.tasks = {name: TaskOptions(name=name, kind="heldout_mlm") for name in names}
    refused = [problem.value for problem in combination_problems(cell.config) if "upper case" in problem.reason]
    assert refused == [name for name in names if name != name.lower()]
