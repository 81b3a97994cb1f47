"""What is refused before any job: each wrong value answers with one line that names the field and what is allowed."""

import pytest

# (command, the beginning of the one line, something that it must also say)
REFUSED = [
    # names
    (
        "format=dooc",
        "format=dooc: no such option; did you mean doc?",
        "allowed: doc, full, segment_pair, sentence_pair",
    ),
    ("condition=segmentpair_nsp", "condition=segmentpair_nsp: no such option", "did you mean segment_pair_nsp?"),
    ("experiment=table2", "experiment=table2: no such option", "table2_formats"),
    (
        "tasks=[squad1,raec]",
        "tasks=raec: no such option; did you mean race?",
        "context_gain, heldout_mlm, in_context_recall",
    ),
    ("batch=32", "batch=32: no such option (batch.sequences=N", "allowed: 256, 2k, 8k"),
    ("format=null", "format=null: no such option", "allowed: doc"),
    ("hydra/launcher=slurm", "hydra/launcher=slurm: no such option", "basic"),
    # keys
    ("max_lenght=64", "max_lenght=64: no such setting; did you mean max_length?", "allowed: stage, name"),
    ("+max_lenght=64", "max_lenght=64: no such setting; did you mean max_length?", "allowed: stage, name"),
    ("format.resampel=true", "format.resampel=true: no such setting; did you mean resample?", "allowed: name"),
    ("+format.resampel=true", "format.resampel=true: no such setting; did you mean resample?", "allowed: name"),
    ("++format.resampel=true", "format.resampel=true: no such setting; did you mean resample?", "allowed: name"),
    ("fromat=doc", "fromat=doc: no such setting; did you mean format?", "condition, scale, experiment"),
    ("tasks.squad.path=.", "tasks.squad.path=.: no such setting", "context_gain, heldout_mlm"),
    ("+tasks.foo.path=.", "tasks.foo.path=.: no such setting", "context_gain, heldout_mlm"),
    ("tasks.mnli_mismatched.path=.", "tasks.mnli_mismatched.path=.: not selected", "add it to tasks=[squad1,"),
    ("scale.seed=3", "scale.seed=3: scale has options and no settings", "allowed: babylm, gpu, laptop"),
    ("hydra.foo=1", "hydra.foo=1: ", "HydraConf"),
    # grammar
    ("dynamic", "dynamic: expected key=value", ""),
    ("format=[full", "format=[full: cannot be read", "quotes"),
    ("format=full,doc", "format=full,doc: expected one value", "several make a sweep, which needs -m"),
    ("-m seed=interval(1,2)", "seed=interval(1,2): expected a list of values", "key=a,b,c"),
    ("~format", "~format: a setting cannot be deleted", ""),
    ("+condition=full", "condition: is chosen twice", ""),
    ("--foo", "unrecognized arguments: --foo", "--help"),
    ("--config-dir nowhere", "--config-dir=nowhere: no such directory", ""),
    ("tasks@x=mnli", "tasks@x=mnli: settings have one place each", "leave out the part from @ to ="),
    ("optim=adam", "optim=adam: no such setting", "allowed: stage, name"),
    ("max_length.x=3", "max_length.x=3: max_length is a setting and holds no others", ""),
    (
        "finetuning.recipes.mnli.lr=1",
        "finetuning.recipes.mnli.lr=1: no such setting",
        "allowed: learning_rate, batch_size",
    ),
    # types
    ("max_length=long", "max_length=long: expected an integer", ""),
    ("masking.copies=2.5", "masking.copies=2.5: expected an integer", ""),
    ("model.dropout=little", "model.dropout=little: expected a number", ""),
    ("trainer.progress=maybe", "trainer.progress=maybe: expected true or false", ""),
    ("max_length=null", "max_length=null: expected an integer, not null", ""),
    ("finetuning.seeds=3", "finetuning.seeds=3: expected a list", "[a,b]"),
    ("finetuning.seeds=[one]", "finetuning.seeds=one: expected an integer", ""),
    ("report.comparisons=[{a:full,c:doc}]", "report.comparisons[0].c=doc: no such setting", "allowed: a, b"),
    ("report.margin=0", "report.margin=0.0: expected 1e-09 to", ""),
    (
        f"report.comparisons=[{','.join(['{a:full,b:doc}'] * 5)}]",
        "report.comparisons: 5 are planned, at most 4 may be",
        "leave out the rest",
    ),
    (
        "report.comparisons=[{a:full,b:doc,seeds_a:[1]}]",
        "report.comparisons={a:full,b:doc,seeds_a:[1],seeds_b:[]}: names seeds on one side",
        "on both",
    ),
    (
        "report.comparisons=[{a:full,b:full,seeds_a:[1,2],seeds_b:[2,3]}]",
        "report.comparisons={a:full,b:full,seeds_a:[1,2],seeds_b:[2,3]}: compares an arm with itself at seed 2",
        "name other seeds on each side",
    ),
    (
        "report.comparisons=[{a:full,b:doc,seeds_a:[1,1],seeds_b:[2]}]",
        "report.comparisons={a:full,b:doc,seeds_a:[1,1],seeds_b:[2]}: seeds_a names a seed twice",
        "",
    ),
    (
        "report.comparisons=[{a:full,b:doc,equality:true}]",
        "report.comparisons={a:full,b:doc,equality:true}: equality is tested within a margin",
        "set report.margin",
    ),
    (
        "report.explored=[{a:full,b:doc,equality:true}] report.margin=1",
        "report.explored={a:full,b:doc,equality:true}: tests no equality",
        "plan it in report.comparisons",
    ),
    (
        "report.explored=[{a:full,b:doc}] report.comparisons=[{a:full,b:doc}]",
        "report.explored={a:full,b:doc}: is planned in report.comparisons",
        "leave it out here",
    ),
    (
        'report.explored=[{a:"full@lr=1",b:doc}]',
        "report.explored={a:full@lr=1,b:doc}: full@lr=1 is narrowed by lr",
        "NAME@SETTING=VALUE",
    ),
    (
        "tasks=[sst2] report.primary_measure=mnli report.comparisons=[{a:full,b:doc}]",
        "report.primary_measure=mnli: names no task of tasks=",
        "allowed: sst2",
    ),
    (
        "report.primary_measure=sst2.acuracy report.comparisons=[{a:full,b:doc}]",
        "report.primary_measure=sst2.acuracy: sst2 has no metric acuracy; did you mean accuracy?",
        "allowed: accuracy",
    ),
    (
        "report.primary_measure=squad1.matthews report.comparisons=[{a:full,b:doc}]",
        "report.primary_measure=squad1.matthews: squad1 has no metric matthews",
        "allowed: f1, exact_match, has_answer",
    ),
    ("corpus.hub=[{name:x}]", "corpus.hub[0]: lacks path", ""),
    ("tokenizer.vocab_size=${corpus.foo}", "tokenizer.vocab_size: Interpolation key 'corpus.foo' not found", ""),
    # values
    (
        "stage=trian",
        "stage=trian: no such value",
        "allowed: all, prepare, inspect, cost, pretrain, finetune, report, export",
    ),
    ("budget=token", "budget=token: no such value; did you mean tokens?", "allowed: paper, tokens, sequences"),
    ("masking.count=exactly", "masking.count=exactly: no such value; did you mean exact?", "bernoulli"),
    ("max_length=7", "max_length=7: expected 8 to 1048576", ""),
    ("model.dropout=1", "model.dropout=1.0: expected 0.0 to 0.9", ""),
    ("seed=-1", "seed=-1: expected 0 to", ""),
    ("finetuning.seeds=[1,-1]", "finetuning.seeds=-1: expected 0 to", ""),
    ("pretraining.learning_rate=nan", "pretraining.learning_rate=nan: expected a finite number", ""),
    ("encoder=", "encoder=: expected a value", "null"),
    ("inspect.num_samples=0", "inspect.num_samples=0: expected a number", "all"),
    ("stage=inspect inspect.figure=a.png", "inspect.figure=a.png: is an SVG", "ends in .svg"),
    ("stage=inspect inspect.figure=a.svg max_length=129", "max_length=129: is too long to read", "max_length=48"),
    ("name=../elsewhere", "name=../elsewhere: expected a folder name", ""),
    # combinations
    ("objective=mlm_nsp", "objective=mlm_nsp: needs pairs, and format=full has none", "allowed: paper, mlm"),
    ("format=doc objective=mlm_sop", "objective=mlm_sop: needs pairs, and format=doc has none", "allowed: paper, mlm"),
    ("-m format=full,doc objective=mlm_nsp", "objective=mlm_nsp: needs pairs, and format=full", "allowed: paper, mlm"),
    ("condition=segment_pair_nsp format=doc", "objective=mlm_nsp: needs pairs, and format=doc", "allowed: paper, mlm"),
    ("format.pair_separator=double", "format.pair_separator=double: format=full has no such key", "sentence_pair"),
    ("format=doc format.nsp_balance=exact", "format.nsp_balance=exact: format=doc has no such key", "segment_pair"),
    ("format=doc format.lone_sentences=skip", "format.lone_sentences=skip: format=doc has no such key", "segment_pair"),
    ("format=segment_pair format.pairs=disjoint", "format.pairs=disjoint: format=segment_pair has no", "sentence_pair"),
    ("format=segment_pair format.sentence_separator=true", "format.sentence_separator=true: format=", "full or doc"),
    (
        "format=segment_pair format.nsp_balance=null",
        "format.nsp_balance=null: expected text, not null",
        "allowed: bert, exact",
    ),
    ("format.random_next=0", "format.random_next=0.0: format=full has no such key", "segment_pair or sentence_pair"),
    ("format=segment_pair format.random_next=.3", "format.random_next=0.3: expected 0.5", "or 0"),
    ("format=segment_pair format.random_next=0", "format.random_next=0.0: B always follows A", "objective=mlm"),
    (
        "format=segment_pair objective=mlm format.random_next=0 format.nsp_balance=exact",
        "format.nsp_balance=exact: format.random_next=0 draws no random B",
        "",
    ),
    ("format=doc format.lengths=doc", "format.lengths=doc: format=doc has no such key", "full"),
    ("masking.copies=10", "masking.copies=10: dynamic masks are drawn each time", "masking=static"),
    ("masking=static masking.copies=null", "masking.copies=null: masking=static needs", ""),
    ("masking.mask_fraction=.95", "masking.random_fraction=0.1: and masking.mask_fraction=0.95 exceed 1", ""),
    ("model.hidden_size=65", "model.hidden_size=65: expected a multiple of model.num_heads=2", ""),
    ("model.sinusoid_init_scale=null", "model.sinusoid_init_scale=null: belongs to", "both"),
    ("model=tiny model.neighbour_init=true", "model.neighbour_init=true: needs sinusoids", ""),
    ("model.neighbour_value_gain=.5", "model.neighbour_value_gain=0.5: is of the heads that model.neighbour_init", ""),
    ("pretraining.schedule_steps=9", "pretraining.schedule_steps=9: ends before pretraining.max_steps=", "null"),
    ("pretraining.pair_loss_weight=0", "pretraining.pair_loss_weight=0.0: expected 1e-06 to", ""),
    ("model.type_vocab_size=1 finetuning.token_types=bert", "finetuning.token_types=bert: needs", "as_pretrained"),
    ("tokenizer=pretrained", "tokenizer.path=null: tokenizer=pretrained needs", ""),
    ("tokenizer.path=bert-base-uncased", "tokenizer.path=bert-base-uncased: tokenizer=bbpe is trained", "pretrained"),
    ("tokenizer=pretrained tokenizer.path=x/y tokenizer.vocab_size=900", "tokenizer.vocab_size=900: a pretrained", ""),
    ("tokenizer.vocab_size=null", "tokenizer.vocab_size=null: tokenizer=bbpe needs", ""),
    ("tokenizer.vocab_size=260", "tokenizer.vocab_size=260: expected at least 261", ""),
    ("tokenizer.lowercase=true", "tokenizer.lowercase=true: byte-level BPE keeps case", "wordpiece"),
    ("pretraining.export_at=[4501]", "pretraining.export_at=[4501]: updates count from 1", "4500"),
    (
        "pretraining.evaluate_at=[9] corpus.heldout_fraction=0 tasks=[sst2]",
        "pretraining.evaluate_at=[9]: measures on held-out documents",
        "raise it",
    ),
    (
        "pretraining.evaluate_at=[9] pretraining.heldout_tokens=0 tasks=[sst2]",
        "pretraining.evaluate_at=[9]: has nothing to measure",
        "raise pretraining.heldout_tokens, or add a probe",
    ),
    ("tasks=[]", "tasks=[]: stage=all needs a task", "stage=pretrain"),
    ("tasks=[mnli_mismatched]", "tasks=mnli_mismatched: corpus=microworld has no such task", "path=DIR"),
    ("tasks=[blimp]", "tasks=blimp: corpus=microworld has no such task; set tasks.blimp.path=DIR", "=recall or"),
    ("tasks=[blimp] tasks.blimp.path=.", "tasks.blimp.path=.: holds no *.jsonl", ""),
    ("tasks.mnli.num_inputs=7", "tasks.mnli.num_inputs=7: kind=classification has no such key", "kind=recall"),
    ("tasks.race.masked_share=.2", "tasks.race.masked_share=0.2: kind=multiple_choice has no", "context_gain or held"),
    ("tasks.mnli.metric=f1", "tasks.mnli.metric=f1: is F1 of the second of two classes", "accuracy"),
    ("tasks.mnli.metric=perplexity", "tasks.mnli.metric=perplexity: is not what kind=classification gives", "accuracy"),
    ("tasks.mnli.labels=[]", "tasks.mnli.labels=[]: is needed by kind=classification", ""),
    ("finetuning.seeds=[]", "finetuning.seeds=[]: expected one or more different numbers", ""),
    ("finetuning.seeds=[1,1]", "finetuning.seeds=[1,1]: expected one or more different numbers", ""),
    ("trainer.precision=16-mixed", "trainer.precision=16-mixed: half precision needs a GPU", "32-true"),
    ("stage=pretrain encoder=random", "encoder=random: is not used by stage=pretrain", "model.init_from"),
    ("stage=export", "export.output=null: stage=export needs the directory", ""),
    ("corpus.path=a.txt", "corpus.path=a.txt: corpus=microworld has no such key", "text or jsonl"),
    ("corpus.num_documents=null", "corpus.num_documents=null: corpus=microworld needs", ""),
    ("corpus=wikipedia corpus.hub=[]", "corpus.hub=[]: names no data set", ""),
    # paths
    ("corpus=text", "corpus.path=null: corpus=text needs files", "glob"),
    ("corpus=jsonl corpus.path=nowhere/*.jsonl", "corpus.path=nowhere/*.jsonl: matches no file", "directory"),
    ("corpus=text corpus.path=.", "corpus.path=.: matches no file", "directory"),
    ("stage=finetune encoder=./nowhere", "encoder=./nowhere: no such directory", "or random"),
    ("stage=finetune encoder=artifacts/encoders/x", "encoder=artifacts/encoders/x: no such directory", "hub"),
    ("stage=finetune encoder=.", "encoder=.: the directory holds no Hugging Face files", ""),
    ("model.init_from=/nowhere", "model.init_from=/nowhere: no such directory", "hub"),
    ("tokenizer=pretrained tokenizer.path=./nowhere", "tokenizer.path=./nowhere: no such directory", "hub"),
    ("tasks.squad1.path=nowhere", "tasks.squad1.path=nowhere: no such directory", "original files"),
    ("tasks.squad1.path=.", "tasks.squad1.path=.: holds no train-v1.1.json", ""),
    ("tasks.race.path=.", "tasks.race.path=.: holds no train or train.jsonl", ""),
    ("paths.results=/dev/null/results", "paths.results=/dev/null/results: cannot be written", "another directory"),
    ("paths.artifacts=/dev/null", "paths.artifacts=/dev/null: cannot be written", "another directory"),
    ("stage=inspect inspect.output=/dev/null/a.jsonl", "inspect.output=/dev/null/a.jsonl: cannot be written", ""),
    ("stage=inspect inspect.figure=/dev/null/a.svg", "inspect.figure=/dev/null/a.svg: cannot be written", ""),
    ("stage=export export.output=.", "export.output=.: exists already", ""),
    # sweeps
    ("experiment=table2_formats", "experiment=table2_formats: sweeps seed, condition", "-m"),
    ("experiment=table2_formats condition=doc", "experiment=table2_formats: sweeps seed", "-m"),
    ("-m format=full,dooc", "format=dooc: no such option", "did you mean doc?"),
    ("-m seed=1,2,x", "seed=x: expected an integer", ""),
    ("-m seed=range(1,1000000)", "seed: the sweep has 999,999 cells", "at most launcher.max_cells=1000"),
    (
        "-m seed=range(1,1001) max_length=range(8,64)",
        "seed: the sweep has 56,000 cells",
        "at most launcher.max_cells=1000",
    ),
    ("-m seed=range(1,1)", "seed=range(1,1): expected a value", "the sweep is empty"),
    ("-m +foo=1,2", "foo=1: no such setting", ""),
    ("-m name=a,b", "name=a,b: must be the same in all cells of a sweep", ""),
    ("-m stage=pretrain,finetune", "stage=pretrain,finetune: must be the same in all cells of a sweep", ""),
    ("-m stage=inspect seed=1,2 inspect.output=a.jsonl", "inspect.output=a.jsonl: two cells", ""),
    ("-m stage=inspect seed=1,2 inspect.figure=a.svg", "inspect.figure=a.svg: two cells", ""),
]


@pytest.mark.parametrize(("command", "beginning", "more"), REFUSED, ids=[row[0] for row in REFUSED])
def test_wrong_value_is_refused_in_one_line(refused, command, beginning, more):
    (line,) = refused(*command.split())
    assert line.startswith(beginning)
    assert more in line
    assert "\n" not in line


def test_two_mistakes_are_two_lines(refused):
    lines = refused("max_length=7", "budget=token")
    assert [line.partition("=")[0] for line in lines] == ["max_length", "budget"]


def test_a_misspelt_key_inside_a_users_experiment_is_refused(refused, tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_text("# @package _global_\nmaks_length: 64\n")
    (line,) = refused("--config-dir", str(tmp_path), "experiment=mine")
    assert line.startswith("maks_length: no such setting; did you mean max_length? allowed: stage, name")
    assert line.endswith("(in experiment/mine.yaml)")


def test_a_users_experiment_is_an_experiment(config, tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_text("# @package _global_\nmax_length: 64\n")
    assert config("--config-dir", str(tmp_path), "experiment=mine").max_length == 64


def test_a_split_without_a_file_is_named(refused, tmp_path):
    (tmp_path / "train-v1.1.json").touch()
    (line,) = refused("tasks.squad1.path=.", "tasks.squad1.dev_file=null")
    assert line == "tasks.squad1.dev_file=null: names no file in ."


def test_tasks_files_are_looked_for_where_they_are_needed_alone(config):
    assert config("stage=pretrain", "tasks.squad1.path=nowhere").tasks["squad1"].path == "nowhere"


def test_a_report_needs_no_corpus(config):
    assert config("stage=report", "corpus=jsonl", "corpus.path=gone.jsonl").corpus.path == "gone.jsonl"


def test_task_directory_with_its_files_passes(config, tmp_path):
    for name in ("train-v1.1.json", "dev-v1.1.json", "train.jsonl", "dev.jsonl"):
        (tmp_path / name).touch()
    assert config("tasks.squad1.path=.", "tasks.race.path=.").tasks["race"].path == "."


def test_checking_outputs_leaves_nothing_behind(config, tmp_path):
    config("paths.results=a/b", "paths.artifacts=c/d")
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_key_inside_a_users_option_is_refused_in_a_later_cell_too(refused, tmp_path):
    (tmp_path / "format").mkdir()
    (tmp_path / "format/mine.yaml").write_text("name: doc\nresampel: true\n")
    (line,) = refused("-m", "--config-dir", str(tmp_path), "format=full,mine")
    assert line.startswith("format.resampel: no such setting; did you mean resample?")
    assert line.endswith("(in format/mine.yaml)")
