"""Values that are valid alone and not together."""

import re
from collections.abc import Iterator
from itertools import chain, islice

from nsp_ablation.config.corpus_rules import corpus_problems
from nsp_ablation.config.curve_rules import curve_problems
from nsp_ablation.config.foreign_keys import foreign_keys
from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.config.logger_checks import logger_problems
from nsp_ablation.config.plan_checks import plan_problems
from nsp_ablation.config.preparation_checks import preparation_problems
from nsp_ablation.config.problem import Problem, unknown_value
from nsp_ablation.config.schema import Config
from nsp_ablation.config.trainer_checks import trainer_problems
from nsp_ablation.options.corpus_options import BYTE_ALPHABET, READERS, CorpusOptions, TokenizerOptions
from nsp_ablation.options.format_options import FORMATS, is_pair
from nsp_ablation.options.output_options import PUBLISHED
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions

TRAINED = ("all", "prepare", "inspect", "cost", "pretrain", "export")
FINETUNED = ("all", "finetune")

_OF_WORDPIECE = ("strip_accents", "max_alphabet", "max_word_characters")
_MAX_SAMPLES = 2**40
_MAX_FIGURE_LENGTH = 128  # a line of the figure holds some six tokens; more would fill more than a screen


def combination_problems(config: Config) -> Iterator[Problem]:
    """Yield each problem between settings, in the order of the pipeline."""
    for part in (_stage, feed_problems, _model, _finetuning, _tasks, _surroundings):
        yield from part(config)


def feed_problems(config: Config) -> Iterator[Problem]:
    """Yield each problem between the settings that decide what a model reads."""
    yield from corpus_problems(config.corpus)
    for part in (_tokenizer, _format, _masking):
        yield from part(config)


def _stage(config: Config) -> Iterator[Problem]:
    if config.encoder is not None and config.stage in ("prepare", "inspect", "pretrain"):
        remedy = "use stage=finetune, or model.init_from to train it further"
        yield Problem("encoder", config.encoder, f"is not used by stage={config.stage}; {remedy}")
    if config.stage == "export" and config.export.output is None:
        yield Problem("export.output", None, "stage=export needs the directory that receives the encoder")
    number = config.inspect.num_samples
    if number != "all" and not (number.isdecimal() and 1 <= int(number) <= _MAX_SAMPLES):
        yield Problem("inspect.num_samples", number, f"expected a number of samples, 1 to {_MAX_SAMPLES}, or `all`")
    figure = config.inspect.figure
    if config.stage == "inspect" and figure is not None:
        if not figure.endswith(".svg"):
            yield Problem("inspect.figure", figure, "is an SVG: name a file that ends in .svg")
        if config.max_length > _MAX_FIGURE_LENGTH:
            reason = f"is too long to read in inspect.figure; set max_length=48, or at most {_MAX_FIGURE_LENGTH}"
            yield Problem("max_length", config.max_length, reason)
    if not re.fullmatch(r"\w[\w.+=-]*(/\w[\w.+=-]*)*", config.name):
        reason = "expected a folder name below paths.results: letters, digits and ._+=-, parts by /"
        yield Problem("name", config.name, reason)


def _tokenizer(config: Config) -> Iterator[Problem]:
    tokenizer = config.tokenizer
    if tokenizer.name == "pretrained":
        if tokenizer.path is None:
            yield Problem("tokenizer.path", None, "tokenizer=pretrained needs a directory or a name on the hub")
        for key in ("vocab_size", "lowercase", *_OF_WORDPIECE):
            if (ignored := getattr(tokenizer, key)) != getattr(TokenizerOptions(), key):
                yield Problem(f"tokenizer.{key}", ignored, "a pretrained tokenizer brings its own; leave it out")
        return
    if tokenizer.path is not None:
        reason = f"tokenizer={tokenizer.name} is trained; use tokenizer=pretrained"
        yield Problem("tokenizer.path", tokenizer.path, reason)
    if tokenizer.vocab_size is None:
        yield Problem("tokenizer.vocab_size", None, f"tokenizer={tokenizer.name} needs the number of tokens to train")
    elif tokenizer.name == "bbpe" and tokenizer.vocab_size < BYTE_ALPHABET:
        reason = f"expected at least {BYTE_ALPHABET}: 256 bytes and 5 special tokens"
        yield Problem("tokenizer.vocab_size", tokenizer.vocab_size, reason)
    if tokenizer.name == "bbpe" and tokenizer.lowercase:
        yield Problem("tokenizer.lowercase", True, "byte-level BPE keeps case; use tokenizer=wordpiece")
    for key in _OF_WORDPIECE if tokenizer.name == "bbpe" else ():
        if (value := getattr(tokenizer, key)) != getattr(TokenizerOptions(), key):
            yield Problem(
                f"tokenizer.{key}", value, "byte-level BPE has no such key; it belongs to tokenizer=wordpiece"
            )


def _format(config: Config) -> Iterator[Problem]:
    name = config.format.name
    yield from foreign_keys("format", config.format, "format", name, FORMATS)
    yield from _random_next(config)
    if resolved_objective(config) != "mlm" and not is_pair(name):
        pairs = " or ".join(other for other, facts in FORMATS.items() if facts.is_pair)
        reason = f"needs pairs, and format={name} has none (format={pairs} has)"
        yield Problem("objective", config.objective, reason, ("paper", "mlm"))


def _random_next(config: Config) -> Iterator[Problem]:
    """B is random by BERT's coin, or never; then there is nothing for NSP to tell or to balance (fidelity row 27)."""
    share, balance = config.format.random_next, config.format.nsp_balance
    if share not in (0, 0.5):
        yield Problem("format.random_next", share, "expected 0.5 (BERT's coin) or 0 (B always follows A)")
    if share == 0 and resolved_objective(config) == "mlm_nsp":
        reason = "B always follows A, so NSP has nothing to tell; set objective=mlm or objective=mlm_sop"
        yield Problem("format.random_next", share, reason)
    if share == 0 and balance != "bert":
        yield Problem("format.nsp_balance", balance, "format.random_next=0 draws no random B to balance; leave it out")


def _masking(config: Config) -> Iterator[Problem]:
    masking = config.masking
    if masking.name == "dynamic" and masking.copies is not None:
        yield Problem("masking.copies", masking.copies, "dynamic masks are drawn each time; copies need masking=static")
    if masking.name == "static" and masking.copies is None:
        yield Problem("masking.copies", None, "masking=static needs the number of masks per sample, at least 1")
    if masking.mask_fraction + masking.random_fraction > 1:
        reason = f"and masking.mask_fraction={masking.mask_fraction} exceed 1 together"
        yield Problem("masking.random_fraction", masking.random_fraction, reason)


def _model(config: Config) -> Iterator[Problem]:
    model = config.model
    if model.hidden_size % model.num_heads:
        yield Problem(
            "model.hidden_size", model.hidden_size, f"expected a multiple of model.num_heads={model.num_heads}"
        )
    if (model.sinusoid_init_base is None) != (model.sinusoid_init_scale is None):
        reason = "belongs to model.sinusoid_init_base; set both or leave both null"
        yield Problem("model.sinusoid_init_scale", model.sinusoid_init_scale, reason)
    if model.neighbour_init and model.sinusoid_init_base is None:
        reason = "needs sinusoids; set model.sinusoid_init_base and model.sinusoid_init_scale"
        yield Problem("model.neighbour_init", True, reason)
    if model.neighbour_value_gain is not None and not model.neighbour_init:
        reason = "is of the heads that model.neighbour_init starts; set that, or leave it null"
        yield Problem("model.neighbour_value_gain", model.neighbour_value_gain, reason)
    if model.type_vocab_size == 1 and config.finetuning.token_types == "bert":
        yield Problem("finetuning.token_types", "bert", "needs model.type_vocab_size=2", ("as_pretrained",))
    yield from _decay("pretraining", config.pretraining.learning_rate, config.pretraining.weight_decay)
    updates = config.pretraining.max_steps
    if (scheduled := config.pretraining.scheduled_steps) < updates:
        reason = f"ends before pretraining.max_steps={updates}; give as many or more, or null"
        yield Problem("pretraining.schedule_steps", scheduled, reason)
    if any(not 1 <= update <= updates for update in config.pretraining.export_at):
        reason = f"updates count from 1 to pretraining.max_steps={updates}"
        yield Problem("pretraining.export_at", config.pretraining.export_at, reason)
    yield from curve_problems(config)


def _finetuning(config: Config) -> Iterator[Problem]:
    seeds = config.finetuning.seeds
    if not seeds or len(set(seeds)) < len(seeds):
        yield Problem("finetuning.seeds", seeds, "expected one or more different numbers")
    numbers = {key: value for key, value in vars(config.finetuning.recipe).items() if key != "max_train_examples"}
    if missing := [key for key, value in numbers.items() if value is None]:
        yield Problem(f"finetuning.recipe.{missing[0]}", None, "is every task's default; give a number")
    else:
        recipes = {f"recipes.{task}": config.finetuning.recipe_of(task) for task in config.finetuning.recipes}
        recipes = {"recipe": config.finetuning.recipe_of("")} | recipes
        found = (
            _decay(f"finetuning.{where}", each.learning_rate, each.weight_decay) for where, each in recipes.items()
        )
        yield from islice(chain.from_iterable(found), 1)
    yield from _pooler(config)
    if config.stage in FINETUNED and not config.tasks:
        yield Problem("tasks", [], f"stage={config.stage} needs a task; use stage=pretrain for an encoder alone")


def _pooler(config: Config) -> Iterator[Problem]:
    """A pre-trained pooler is one of NSP or SOP: MLM alone trains none, and an untrained encoder has none."""
    is_finetuned = any(not TASK_KINDS[task.kind].is_probe for task in config.tasks.values())
    if config.finetuning.pooler != "pretrained" or config.stage not in FINETUNED or not is_finetuned:
        return
    if config.encoder is None and resolved_objective(config) == "mlm":
        reason = "MLM alone trains no pooler; set finetuning.pooler=fresh or an objective on pairs"
        yield Problem("finetuning.pooler", "pretrained", reason)
    elif config.encoder == "random" or (config.encoder is None and config.finetuning.untrained_row):
        reason = "the untrained encoder has no pooler; set finetuning.pooler=fresh"
        reason += "" if config.encoder else " or finetuning.untrained_row=false"
        yield Problem("finetuning.pooler", "pretrained", reason)


def _decay(where: str, learning_rate: float, weight_decay: float) -> Iterator[Problem]:
    """An update takes the share learning_rate * weight_decay off each weight: from 1 on, weights do not shrink."""
    if learning_rate * weight_decay >= 1:
        reason = f"times {where}.learning_rate={learning_rate} takes all of a weight off in one update; lower either"
        yield Problem(f"{where}.weight_decay", weight_decay, reason)


def _tasks(config: Config) -> Iterator[Problem]:
    for key, task in config.tasks.items():
        if task.name != key:
            yield Problem(f"tasks.{key}.name", task.name, f"must be {key}, the task's key")
        if (other := next(name for name in config.tasks if name.lower() == key.lower())) != key:
            yield Problem("tasks", key, f"many file systems take it for {other}; change more than its upper case")
        yield from _task_keys(f"tasks.{key}", task)
        yield from _generated(config.corpus, key, task)
    probes = [key for key, task in config.tasks.items() if TASK_KINDS[task.kind].reads == "heldout"]
    if probes and config.stage in FINETUNED and config.corpus.heldout_fraction == 0:
        reason = f"holds out no document, which {', '.join(probes)} must read; raise it, or leave these tasks out"
        yield Problem("corpus.heldout_fraction", config.corpus.heldout_fraction, reason)


def _generated(corpus: CorpusOptions, key: str, task: TaskOptions) -> Iterator[Problem]:
    """Beside a generated corpus a task has the files that are generated with it, or files of its own."""
    tasks = READERS[corpus.reader].generated_tasks
    if tasks and task.path is None and TASK_KINDS[task.kind].reads == "files" and key not in tasks:
        probes = " or ".join(kind for kind, facts in TASK_KINDS.items() if facts.reads == "heldout")
        reason = f"corpus={corpus.name} has no such task; set tasks.{key}.path=DIR to the original files"
        yield Problem("tasks", key, f"{reason}, or take a probe of held-out documents (kind={probes})", tasks)


def _task_keys(path: str, task: TaskOptions) -> Iterator[Problem]:
    """Yield each key that the task's kind does not have, or needs, and a metric that it does not give."""
    yield from foreign_keys(path, task, "kind", task.kind, TASK_KINDS)
    facts = TASK_KINDS[task.kind]
    for key in facts.required:
        if not getattr(task, key):
            yield Problem(f"{path}.{key}", getattr(task, key), f"is needed by kind={task.kind}")
    if task.metric not in facts.metrics:
        yield Problem(f"{path}.metric", task.metric, f"is not what kind={task.kind} gives", facts.metrics)
    elif (task.kind, task.metric) == ("classification", "f1") and len(task.labels) != 2:
        reason = f"is F1 of the second of two classes, and {path}.labels names {len(task.labels)}; set accuracy"
        yield Problem(f"{path}.metric", task.metric, reason)


def _surroundings(config: Config) -> Iterator[Problem]:
    tables = ("none", *sorted(path.stem for path in PUBLISHED.glob("*.yaml")))
    if config.report.published not in (None, *tables):
        yield unknown_value("report.published", str(config.report.published), tables)
    if config.report.public_copy is not None:
        if config.stage != "report":
            yield Problem("report.public_copy", config.report.public_copy, "is written by stage=report alone")
        if not config.report.anonymous:
            reason = "would name persons and machines; leave report.anonymous=true"
            yield Problem("report.public_copy", config.report.public_copy, reason)
    yield from preparation_problems(config)
    yield from trainer_problems(config)
    yield from plan_problems(config)
    yield from logger_problems(config)
