"""What is found before anything is composed, which advice works, and cells that stand under two names."""

import time
from pathlib import Path
from typing import get_origin

import pytest

from nsp_ablation.base.errors import InputError, redacted
from nsp_ablation.cli.answers import answer
from nsp_ablation.cli.arguments import answers, parse_arguments
from nsp_ablation.cli.planned_cells import open_composer, plan
from nsp_ablation.config.identity import cell_identity
from nsp_ablation.config.problem import ConfigurationError
from nsp_ablation.config.tree import required, settings
from nsp_ablation.options.setting import READ_PATH, WRITTEN_PATH
from nsp_ablation.pipeline.cell_life import cell_key

# (refused, accepted when the advice of the refusal is followed, what the refusal says)
ADVICE = [
    ("format=full,doc", "-m format=full,doc", "-m"),
    ("report.title=a,b", 'report.title="a,b"', "text with commas is 'report.title=\"a,b\"'"),
    ("report.title=a:(", "report.title='a:('", "quotes"),
    ("+seed=1", "seed=1", "leave the + out"),
    ("~seed", "seed=2", "give it another value"),
    ("batch=32", "batch.sequences=32", "batch.sequences=N"),
    ("format=[doc]", "format=doc", "expected one option"),
    ("format={}", "format.resample=true", "format.key=value"),
    ("tasks=[[squad1]]", "tasks=[squad1]", "a list of names"),
    ("tasks.mnli_mismatched.title=x", None, "add it to tasks=[squad1,"),
    ("experiment=table2_formats", "experiment=table2_formats seed=1 condition=doc", "add -m, or give one value"),
    ("-m seed=1,2 launcher.max_cells=1", "-m seed=1,2 launcher.max_cells=2", "at most launcher.max_cells=1"),
    ("-m seed=range(0,3,0)", "-m seed=range(0,3,1)", "range(start,stop,step)"),
    ("corpus.heldout_fraction=0", "corpus.heldout_fraction=.01", "raise it"),
    ("corpus.heldout_fraction=0", "corpus.heldout_fraction=0 tasks=[squad1]", "leave these tasks out"),
    ("logger=wandb logger.project=me/p", "logger=wandb logger.entity=me logger.project=p", "logger.entity is the part"),
    ("hydra.mode=MULTIRUN seed=1", "-m seed=1", "a sweep is -m"),
    ("-m hydra.sweeper.max_batch_size=0", "-m hydra.sweeper.max_batch_size=null", "or null"),
    ("corpus=text corpus.path=[1]", 'corpus=text corpus.path=["1"]', "a number stands in quotes"),
    ("corpus=text corpus.path={a:b}", "corpus=text corpus.path=[1/a.txt]", "text, or a list of texts"),
    ("masking.copies=10", "masking=static masking.copies=10", "masking=static"),
    ("encoder=", "encoder=null", "null leaves out"),
    ("tokenizer.vocab_size=${oc.env:HOME}", "tokenizer.vocab_size=300", "give the value itself"),
    ("pretraining.weight_decay=2 pretraining.learning_rate=1", "pretraining.learning_rate=1e-3", "lower either"),
    ("finetuning.recipes.mnli={learning_rate:1,weight_decay:1}", "finetuning.recipes.mnli={learning_rate:1}", "lower"),
    ("--resolve", "--cfg job --resolve", "belongs to --cfg"),
    ("--cfg job -m seed=1,2", "--cfg job -m seed=1", "give one value"),
]


def words_of(command: str) -> list[str]:
    return command.split(" ")


@pytest.fixture
def answered(composer, project_root, cells, capsys):
    """answered("--cfg", "job"): what a flag prints."""

    def text(*words: str) -> str:
        arguments = parse_arguments(list(words))
        own = arguments.config_path or arguments.config_name
        used = open_composer(arguments, project_root) if own else composer
        (flag,) = answers(arguments)
        answer(flag, arguments, used, project_root)
        return capsys.readouterr().out

    return text


@pytest.mark.parametrize(("wrong", "right", "said"), ADVICE, ids=[row[0] for row in ADVICE])
def test_advice_works_when_it_is_followed(cells, answered, tmp_path, wrong, right, said):
    (tmp_path / "1").mkdir()
    (tmp_path / "1/a.txt").write_text("text")
    run = answered if "--cfg" in wrong else cells
    with pytest.raises(ConfigurationError) as refusal:
        run(*words_of(wrong))
    (line,) = refusal.value.lines
    assert said in line
    if right is None:
        names = line.partition("add it to ")[2]
        right = f"{names} {wrong} corpus=wikipedia"
    assert (answered if "--cfg" in right else cells)(*words_of(right))


@pytest.mark.parametrize(
    "command",
    [
        "format=doc -m seed=1,2 max_length=64",
        "format=doc seed=1,2 --multirun max_length=64",
        "--multirun format=doc seed=1,2 max_length=64",
        "format=doc seed=1,2 max_length=64 -m",
    ],
)
def test_a_flag_stands_anywhere(cells, command):
    found = cells(*words_of(command))
    assert [(cell.config.seed, cell.config.max_length, cell.config.format.name) for cell in found] == [
        (1, 64, "doc"),
        (2, 64, "doc"),
    ]


@pytest.mark.parametrize("command", ["max_length=64 -h", "--explain masking -m", "-m seed=1 --cfg job max_length=64"])
def test_flags_that_answer_stand_anywhere_and_check_what_is_typed(answered, command):
    assert answered(*words_of(command))
    with pytest.raises(ConfigurationError, match="nope=1: no such setting"):
        answered("nope=1", *words_of(command))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("-h --cfg job", "--help and --cfg: choose one"),
        ("-r -m", "--run and --multirun: choose one"),
        ("--markdown", "--markdown: belongs to --explain"),
        ("-p format", "--package: belongs to --cfg"),
        (f"-cp {'x' * 300}", "--config-path=xxx"),
        ("-cn nope", "--config-name=nope: no such file in conf; allowed: config"),
        ("-sc", "--shell-completion: expected install=SHELL"),
        ("-sc query=bash", "asked by the shell itself"),
        ("--cfg job --package format.nope", "--package format.nope: no such key"),
        ("--experimental-rerun x", "unrecognized arguments: --experimental-rerun"),
        ("--info seed=x", "seed=x: expected an integer"),
        ("--hydra-help sed=1", "sed=1: no such setting; did you mean seed?"),
    ],
)
def test_a_flag_that_cannot_be_answered_is_one_line(answered, command, said):
    with pytest.raises(ConfigurationError) as refusal:
        answered(*words_of(command))
    (line,) = refusal.value.lines
    assert said in line


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("format=s", ["format=segment_pair", "format=sentence_pair"]),
        ("-m masking=", ["masking=dynamic", "masking=static"]),
        ("format=doc format.nsp", ["format.nsp_balance="]),
        ("experiment=table1", ["experiment=table1_masking"]),
    ],
)
def test_a_shell_is_told_how_a_word_may_go_on(answered, monkeypatch, typed, offered):
    monkeypatch.setenv("COMP_LINE", f"nsp-ablation {typed}")
    assert answered("-sc", "query=bash").split() == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_to_ask_the_program_that_was_typed(answered, monkeypatch, shell):
    monkeypatch.setattr("sys.argv", ["/usr/bin/nsp-ablation"])
    assert "nsp-ablation" in answered("-sc", f"install={shell}")


@pytest.mark.parametrize(
    ("sweep", "number"),
    [
        ("condition=dynamic,segment_pair_nsp", 1),
        ("objective=paper,mlm", 1),
        ("format=full,full", 1),
        ("seed=1,1,2", 2),
        ("format=full,doc objective=paper,mlm seed=1,2", 4),
        ("trainer.num_workers=1,2", 1),
        ("tasks=[squad1],[squad1]", 1),
        # cells that must stay two
        ("masking=dynamic,static", 2),
        ("model.num_threads=1,2", 2),
        ("finetuning.untrained_row=true,false", 2),
        ("pretraining.export_at=[],[1]", 2),
        ("pretraining.evaluate_at=[],[1]", 2),
        ("stage=inspect inspect.epoch=1,2", 2),
        ("stage=cost trainer=gpu,ddp", 2),
        ("trainer.dry_run=true trainer.dry_run_device=A100,H100", 2),
        ("tasks=[mnli],[mnli_mismatched] corpus=wikipedia", 2),
        ("tasks=[mnli] tasks.mnli.dev_file=a,b corpus=wikipedia", 2),
    ],
)
def test_cells_that_are_one_run_once(planned_whole, sweep, number):
    found = planned_whole("-m", *words_of(sweep))
    assert len(found.cells) == number
    assert len({cell_key(cell.config) for cell in found.cells}) == number
    for left_out, equal in found.repeated:
        assert cell_identity(left_out.config) == cell_identity(equal.config)
        assert cell_key(left_out.config) == cell_key(equal.config)


@pytest.fixture
def planned_whole(composer, tmp_path, monkeypatch):
    """planned_whole("-m", "seed=1,1"): the whole plan of a command."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: plan(parse_arguments(list(words)), composer)


def test_an_arm_is_not_compared_with_itself_under_two_names(refused):
    sweep = ("-m", "condition=dynamic,segment_pair_nsp")
    (line,) = refused(*sweep, "report.comparisons=[{a:dynamic,b:segment_pair_nsp}]")
    assert line.startswith("report.comparisons={a:dynamic,b:segment_pair_nsp}: are one cell under two names")
    (line,) = refused(*sweep, "report.explored=[{a:dynamic,b:segment_pair_nsp}]")
    assert line.startswith("report.explored={a:dynamic,b:segment_pair_nsp}: are one cell under two names")
    (line,) = refused("report.comparisons=[{a:full,b:full}]")
    assert line.startswith("report.comparisons={a:full,b:full}: compares an arm with itself")


def test_every_remedy_of_a_plan_is_accepted(planned_whole):
    plans = (
        "report.comparisons=[{a:full,b:full,seeds_a:[1,2],seeds_b:[3,4]}]",
        "report.comparisons=[{a:full,b:doc,equality:true}] report.margin=0.5",
        "report.comparisons=[{a:full,b:doc}] tasks=[sst2] report.primary_measure=null",
        "report.comparisons=[{a:full,b:doc}] report.primary_measure=in_context_recall.recall_gain_in_range",
        "report.comparisons=[{a:full,b:doc}] report.primary_measure=squad2.has_answer_f1",
        "-m condition=dynamic,segment_pair_nsp "
        "report.comparisons=[{a:dynamic,b:segment_pair_nsp,seeds_a:[1],seeds_b:[2]}]",
    )
    for words in plans:
        assert planned_whole(*words_of(words)).cells


@pytest.mark.parametrize(
    "sweep",
    ["seed=range(1,4000000000)", "seed=shuffle(range(1,4000000000))", "model.dropout=range(0,0.5,1e-12)"],
)
def test_a_sweep_is_counted_not_expanded(refused, sweep):
    started = time.process_time()
    (line,) = refused("-m", sweep, "format=full,doc")
    assert time.process_time() - started < 1.5
    assert line.startswith(f"{sweep.partition('=')[0]}: the sweep has ")
    assert line.endswith("expected at most launcher.max_cells=1000")


def test_the_last_value_of_a_range_is_checked_too(refused, cells):
    assert [cell.config.max_length for cell in cells("-m", "max_length=range(10,7,-1)")] == [10, 9, 8]
    (line,) = refused("-m", "max_length=range(10,5,-1)")
    assert line == "max_length=6: expected 8 to 1048576"


def test_every_number_has_bounds_and_every_path_a_length():
    kinds = {}
    for keys, field, annotation in settings():
        arguments = getattr(required(annotation), "__args__", ())
        kinds.setdefault(arguments[-1] if arguments else required(annotation), []).append((keys, field.metadata))
    numbers = kinds[int] + kinds[float]
    assert len(numbers) > 60
    assert not [keys for keys, facts in numbers if facts["low"] is None or facts["high"] is None]
    lengths = {".".join(keys): field.metadata["path"] for keys, field, _ in settings()}
    paths = {key: length for key, length in lengths.items() if length is not None}
    assert paths.items() >= {
        ("name", WRITTEN_PATH),
        ("encoder", READ_PATH),
        ("tokenizer.path", READ_PATH),
        ("model.init_from", READ_PATH),
        ("corpus.path", READ_PATH),
        ("corpus.hub.[].path", READ_PATH),
        ("tasks.<name>.path", READ_PATH),
        ("tasks.<name>.train_file", READ_PATH),
        ("tasks.<name>.dev_file", READ_PATH),
        ("paths.artifacts", WRITTEN_PATH),
        ("paths.results", WRITTEN_PATH),
        ("inspect.output", WRITTEN_PATH),
        ("inspect.figure", WRITTEN_PATH),
        ("export.output", WRITTEN_PATH),
    }


def test_a_long_part_of_a_path_is_refused_in_every_key(refused):
    for keys, field, annotation in settings():
        if field.metadata["path"] is not None and "[]" not in keys:
            key = ".".join(keys).replace("<name>", "squad1")
            for value in ("x" * 256, f"a/{'é' * 128}/b", "a/" * 2048):
                typed = f'["{value}"]' if get_origin(annotation) is list else f'"{value}"'
                (line,) = refused(f"{key}={typed}")
                assert line.startswith(f"{key}="), line
                assert "expected parts of at most" in line
                assert len(line) < 400


def test_text_that_no_file_or_table_can_hold_is_refused(refused):
    for value in ("a\tb", "\x1b[31m", "\udc80", "x" * 256):
        (line,) = refused(f'report.title="{value}"')
        assert line.startswith("report.title=")
        assert line.isprintable()


@pytest.mark.parametrize(
    "key", ["corpus.path", "encoder", "logger.entity", "tokenizer.path", "seed", "stage", "nope", "tasks", "format"]
)
def test_credentials_are_never_shown(refused, key):
    url = "https://user:s3cret@host/x"
    for word in (f"{key}={url}", f"{key}='{url}?token=s3cret'", f"{key}=[{url}"):
        lines = refused("logger=wandb", "corpus=text", "tokenizer=pretrained", "stage=finetune", word)
        assert lines
        assert not any("s3cret" in line for line in lines)


def test_credentials_are_left_out_of_every_stated_error():
    assert str(InputError("x: s3://a:b@c/d?api_key=e&f=g is gone")) == "x: s3://***@c/d?api_key=***&f=g is gone"
    assert redacted("a@b, c://d/e@f") == "a@b, c://d/e@f"
    assert redacted(str(Path("s3://a:b@c/d"))) == "s3:/***@c/d"


def test_a_plug_in_that_is_not_installed_is_named_with_its_package(refused, monkeypatch):
    (line,) = refused("-m", "hydra/launcher=joblib")
    assert line.startswith("hydra/launcher=joblib: is not installed; pip install hydra-joblib-launcher")
    (line,) = refused("-m", "hydra/sweeper=optuna")
    assert line.startswith("hydra/sweeper=optuna: a sweep is a grid: -m key=a,b,c")
    monkeypatch.setattr("nsp_ablation.config.logger_checks.find_spec", lambda name: None)
    for name in ("wandb", "tensorboard"):
        (line,) = refused(f"logger={name}")
        assert line.startswith(f"logger={name}: is not installed; pip install {name}; allowed: csv")
    monkeypatch.setattr("nsp_ablation.config.preparation_checks.find_spec", lambda name: None)
    (line,) = refused("preparation=datatrove_local")
    assert line == ("preparation=datatrove_local: is not installed; pip install 'nsp-ablation[cluster]'; allowed: here")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("preparation.num_tasks=3",),
            "preparation.num_tasks=3: preparation=here has no such key; it belongs to preparation=datatrove_local or "
            "datatrove_slurm",
        ),
        (
            ("preparation=datatrove_local", "preparation.partition=cpu"),
            "preparation.partition=cpu: preparation=datatrove_local has no such key; it belongs to "
            "preparation=datatrove_slurm",
        ),
        (
            ("preparation=datatrove_slurm",),
            "preparation.partition=null: preparation=datatrove_slurm needs the name of a partition",
        ),
        (
            ("preparation=datatrove_local", "preparation.show_tasks=true"),
            "preparation.show_tasks=true: is of stage=prepare alone, not of stage=all",
        ),
    ],
)
def test_a_preparation_has_its_own_keys_alone(refused, monkeypatch, words, line):
    monkeypatch.setattr("nsp_ablation.config.preparation_checks.find_spec", lambda name: name)
    assert refused(*words) == [line]


@pytest.fixture
def own_task(tmp_path):
    """A function that writes a task of one's own, with more lines, and returns the words that select it."""
    (tmp_path / "own/tasks").mkdir(parents=True)
    (tmp_path / "files").mkdir()
    for name in ("train.tsv", "dev.tsv"):
        (tmp_path / "files" / name).write_text("sentence\tlabel\na\t0\n")

    def words(more: str = "") -> list[str]:
        text = "# @package tasks.mine\nname: mine\nkind: classification\nmetric: accuracy\ntext_columns: [sentence]\n"
        text += f"label_column: label\nlabels: ['0', '1']\ntrain_file: train.tsv\ndev_file: dev.tsv\n{more}"
        (tmp_path / "own/tasks/mine.yaml").write_text(text)
        return [f"--config-dir={tmp_path}/own", "tasks=[mine]", "tasks.mine.path=files"]

    return words


@pytest.mark.parametrize(
    "word",
    [
        "finetuning.recipes.mine.learning_rate=1e-3",
        "+finetuning.recipes.mine.learning_rate=1e-3",
        "finetuning.recipes.mine={learning_rate:1e-3}",
        "+finetuning.recipes.mine={learning_rate: 1e-3, batch_size: 16, num_epochs: 10, weight_decay: 0.01}",
        "+finetuning.recipes={mine: {learning_rate: 1e-3}}",
    ],
)
def test_a_task_of_ones_own_takes_a_recipe_however_it_is_given(config, own_task, word):
    assert config(*own_task()).finetuning.recipe_of("mine").batch_size == 16
    assert config(*own_task(), word).finetuning.recipe_of("mine").learning_rate == 1e-3


def test_a_key_that_moved_is_found_one_group_further_down(refused, own_task):
    (line,) = refused(*own_task("hub_dev_split: null\n"))
    assert line.startswith("tasks.mine.hub_dev_split: no such setting; did you mean hub.dev_split? allowed: name, kind")
    assert line.endswith("(in tasks/mine.yaml)")


def test_an_environment_variable_is_no_part_of_a_result(refused, config, tmp_path, monkeypatch):
    monkeypatch.setenv("NSP_TEST", "7")
    reason = "changes results, so it cannot depend on the environment"
    for word in ("model.num_layers=${oc.env:NSP_TEST}", 'tasks.sst2.labels=["${oc.env:NSP_TEST}","1"]'):
        (line,) = refused(word)
        assert reason in line
    (tmp_path / "own/experiment").mkdir(parents=True)
    (tmp_path / "own/experiment/mine.yaml").write_text("# @package _global_\nmax_length: ${oc.env:NSP_TEST}\n")
    (line,) = refused(f"--config-dir={tmp_path}/own", "experiment=mine")
    assert line.startswith("max_length=${oc.env:NSP_TEST}: ")
    assert config("paths.artifacts=${oc.env:NSP_TEST}/x").paths.artifacts == "7/x"
    assert config("seed=${oc.env:NSP_TEST}").seed == 7
