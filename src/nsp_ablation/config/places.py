"""Paths of a configuration: inputs that must be there, outputs that must be writable."""

import glob
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nsp_ablation.config.combinations import FINETUNED, TRAINED
from nsp_ablation.config.problem import Problem, unknown_value
from nsp_ablation.config.schema import Config
from nsp_ablation.options.output_options import PUBLISHED
from nsp_ablation.options.task_options import TaskOptions

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


def place_problems(config: Config) -> Iterator[Problem]:
    """Yield each path that this stage would stumble over: a missing input first, then an output that is refused.

    A name that can be one of the Hugging Face hub passes, since asking the hub takes a network and seconds.
    """
    yield from _published(config.report.published)
    yield from _inputs(config)
    yield from _outputs(config)


def _published(name: str | None) -> Iterator[Problem]:
    names = ("none", *sorted(path.stem for path in PUBLISHED.glob("*.yaml")))
    if name is not None and name not in names:
        yield unknown_value("report.published", name, names)


def _inputs(config: Config) -> Iterator[Problem]:
    if config.stage == "report":
        return
    external = config.encoder not in (None, "random")
    if config.encoder is not None and external:
        yield from _encoder("encoder", config.encoder, "random")
    if config.model.init_from is not None and not external:
        yield from _encoder("model.init_from", config.model.init_from)
    if config.tokenizer.path is not None and not external:
        yield from _encoder("tokenizer.path", config.tokenizer.path)
    reads_corpus = config.corpus.path is not None and (config.stage in TRAINED or not external)
    if config.corpus.path is not None and reads_corpus and not _matches(config.corpus.path):
        reason = "matches no file; give a file, a directory with files or a quoted glob"
        yield Problem("corpus.path", config.corpus.path, reason)
    if config.stage in FINETUNED:
        for name, task in config.tasks.items():
            yield from _task(f"tasks.{name}.path", task)


def _encoder(field: str, value: str, *names: str) -> Iterator[Problem]:
    """Check a Hugging Face directory or hub name; `names` are words with a meaning of their own."""
    path = Path(value)
    others = "".join(f", or {name}" for name in names)
    if path.is_dir():
        if not any(path.glob("*.json")):
            yield Problem(field, value, "the directory holds no Hugging Face files (config.json, tokenizer.json)")
    elif path.exists():
        yield Problem(field, value, "is a file; give the directory that holds it")
    elif value[:1] in (".", "/", "~") or not _HUB_NAME.fullmatch(value) or _parent_exists(value):
        yield Problem(field, value, f"no such directory; give one, or a name on the Hugging Face hub{others}")


def _parent_exists(value: str) -> bool:
    return "/" in value and Path(value).parent.is_dir()


def _matches(pattern: str) -> bool:
    place = Path(pattern).expanduser()
    if place.is_dir():
        return any(path.is_file() for path in place.rglob("*"))
    return any(Path(path).is_file() for path in glob.iglob(str(place), recursive=True))


def _task(field: str, task: TaskOptions) -> Iterator[Problem]:
    if task.path is None:
        return
    directory = Path(task.path)
    if not directory.is_dir():
        yield Problem(field, task.path, "no such directory; give that of the original files")
    elif task.kind == "minimal_pairs":
        if not any(directory.glob("*.jsonl")):
            yield Problem(field, task.path, "holds no .jsonl file of minimal pairs")
    elif task.kind == "multiple_choice":
        for split, name in (("train", task.train_file), ("dev", task.dev_file)):
            options = [name] if name else [split, f"{split}.jsonl"]
            if not any((directory / option).exists() for option in options):
                yield Problem(field, task.path, f"holds no {' or '.join(options)}")
    else:
        for name in (task.train_file, task.dev_file):
            if name is not None and not (directory / name).is_file():
                yield Problem(field, task.path, f"holds no {name}")


def _outputs(config: Config) -> Iterator[Problem]:
    if config.stage != "report":
        yield from _directory("paths.artifacts", config.paths.artifacts)
    if config.stage in (*FINETUNED, "report"):
        yield from _directory("paths.results", config.paths.results)
    if config.stage == "inspect":
        for field, value in (("inspect.output", config.inspect.output), ("inspect.figure", config.inspect.figure)):
            yield from _parent(field, value) if value is not None else ()
    if config.stage == "export" and config.export.output is not None:
        if Path(config.export.output).exists():
            yield Problem("export.output", config.export.output, "exists already; name another directory or delete it")
        yield from _parent("export.output", config.export.output)


def _parent(field: str, value: str) -> Iterator[Problem]:
    if Path(value).is_dir() and field != "export.output":
        yield Problem(field, value, "is a directory; name a file")
    yield from (Problem(field, value, problem.reason) for problem in _directory(field, str(Path(value).parent)))


def _directory(field: str, value: str) -> Iterator[Problem]:
    """Check that `value` is, or can become, a directory that takes files; nothing is left behind.

    A file is really made, since permission bits say nothing to root or on a read-only file system.
    """
    place = Path(value).absolute()
    while not place.exists() and not place.is_symlink():
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield Problem(field, value, f"cannot be written ({place}: {error.strerror}); name another directory")
