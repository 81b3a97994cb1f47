"""Paths of a configuration: inputs that must exist, outputs that must be writable."""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.base.visible_files import expand_paths, named_files
from nsp_ablation.config.combinations import FINETUNED, TRAINED
from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config
from nsp_ablation.options.output_options import STUDY_DIRECTORIES
from nsp_ablation.options.wanted_files import wanted_files

# What a folder of results holds: directories, and files that are opened as they are (locks).
_STUDY_PARTS = (
    *STUDY_DIRECTORIES,
    *("report/figures", ".lock", ".sweeps", ".report.lock", ".curves.lock"),
)
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


@dataclass(frozen=True)
class NeededPath:
    """A path that a stage reads or writes, as `field` gives it.

    `check` yields why it cannot be used. `files` are a task's, by split: of the names one must be there. `root` is the
    directory that the path lies in, where it is given apart.
    """

    field: str
    value: Any  # text; of the corpus a tuple of texts, too
    check: "Callable[[NeededPath], Iterator[Problem]]"
    files: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = ()
    root: str = ""


def needed_paths(config: Config) -> Iterator[NeededPath]:
    """Yield each path that the configuration's stage would stumble over."""
    stage, makes = config.stage, config.stage not in ("report", "status")
    has_curve = stage == "pretrain" and bool(config.pretraining.evaluate_at)
    external = config.encoder not in (None, "random")
    candidates = (
        ("encoder", config.encoder, _encoder, makes and external),
        ("model.init_from", config.model.init_from, _encoder, makes and not external),
        ("tokenizer.path", config.tokenizer.path, _encoder, makes and not external),
        ("corpus.path", config.corpus.path, _corpus, stage in TRAINED or (makes and not external)),
        ("paths.artifacts", config.paths.artifacts, directory_problems, makes),
        ("paths.results", config.paths.results, directory_problems, stage in (*FINETUNED, "report") or has_curve),
        ("inspect.output", config.inspect.output, _file, stage == "inspect"),
        ("inspect.figure", config.inspect.figure, _file, stage == "inspect"),
        ("inspect.documents", config.inspect.documents, _file, stage == "inspect"),
        ("inspect.documents_as", config.inspect.documents_as, _input_file, stage == "inspect"),
        ("inspect.equal_to", config.inspect.equal_to, _input_file, stage == "inspect"),
        ("export.output", config.export.output, _copy, stage == "export"),
        ("report.public_copy", config.report.public_copy, _copy, stage == "report"),
    )
    yield from (
        NeededPath(field, tuple(path) if isinstance(path, list) else path, check)
        for field, path, check, used in candidates
        if used and path is not None
    )
    if stage in (*FINETUNED, "report"):
        yield from (NeededPath("report.folders", path, _records) for path in config.report.folders)
    if stage in (*FINETUNED, "report") or has_curve:
        yield NeededPath("name", str(config.name), _study, root=config.paths.results)
    for name, task in config.tasks.items() if stage in FINETUNED else ():
        if task.path is not None:
            yield NeededPath(f"tasks.{name}.path", task.path, _task, tuple(wanted_files(task).items()))


def _encoder(needed: NeededPath) -> Iterator[Problem]:
    """A name that can be one of the Hugging Face hub passes, since asking the hub takes a network and seconds."""
    field, value, path = needed.field, needed.value, Path(needed.value)
    others = ", or random" if field == "encoder" else ""
    if path.is_dir():
        if not any(path.glob("*.json")):
            yield Problem(field, value, "the directory holds no Hugging Face files (config.json, tokenizer.json)")
    elif path.exists():
        yield Problem(field, value, "is a file; give the directory that holds it")
    elif value[:1] in (".", "/", "~") or not _HUB_NAME.fullmatch(value) or ("/" in value and path.parent.is_dir()):
        yield Problem(field, value, f"no such directory; give one, or a name on the Hugging Face hub{others}")


def _corpus(needed: NeededPath) -> Iterator[Problem]:
    for pattern in [needed.value] if isinstance(needed.value, str) else needed.value:
        if not expand_paths(pattern):
            reason = "matches no file; give a file, a directory with files or a quoted glob"
            yield Problem(needed.field, pattern, reason)


def _task(needed: NeededPath) -> Iterator[Problem]:
    directory = Path(needed.value).expanduser()
    if not directory.is_dir():
        yield Problem(needed.field, needed.value, "no such directory; give that of the original files")
        return
    for split, wanted in needed.files:
        if not wanted:
            yield Problem(f"{needed.field.removesuffix('.path')}.{split}_file", None, f"names no file in {directory}")
        elif not any(all(named_files(directory, name) for name in names) for names in wanted):
            yield Problem(needed.field, needed.value, f"holds no {' or '.join(map(', '.join, wanted))}")


def _records(needed: NeededPath) -> Iterator[Problem]:
    if not (Path(needed.value) / "records").is_dir():
        yield Problem(needed.field, needed.value, "holds no records; give a folder as results/<name>")


def _file(needed: NeededPath) -> Iterator[Problem]:
    if Path(needed.value).is_dir():
        yield Problem(needed.field, needed.value, "is a directory; name a file")
    yield from _writable(needed, Path(needed.value).parent)


def _input_file(needed: NeededPath) -> Iterator[Problem]:
    if not Path(needed.value).is_file():
        yield Problem(needed.field, needed.value, "no such file; give one that is there")


def _copy(needed: NeededPath) -> Iterator[Problem]:
    if Path(needed.value).exists():
        yield Problem(needed.field, needed.value, "exists already; name another directory or delete it")
    yield from _writable(needed, Path(needed.value).parent)


def directory_problems(needed: NeededPath) -> Iterator[Problem]:
    """Yield why a directory cannot be written to, or made."""
    yield from _writable(needed, Path(needed.value))


def _study(needed: NeededPath) -> Iterator[Problem]:
    """Check what is there of a folder of results: no part is a link to elsewhere, and each takes files."""
    for part in ("", *_STUDY_PARTS):
        try:
            path = owned(Path(needed.root), needed.value, part)
        except InputError as error:
            yield Problem(needed.field, needed.value, str(error))
            return
        if path.is_dir():
            if problems := list(_writable(needed, path)):
                yield problems[0]
                return
        elif path.exists() and not part.startswith("."):
            yield Problem(
                needed.field, needed.value, f"{path} is a file, not a directory; delete it or give another name"
            )
            return


def _writable(needed: NeededPath, directory: Path) -> Iterator[Problem]:
    """Check that a directory takes files, or can be made; nothing is left behind.

    A file is really made, since permission bits say nothing to root or on a read-only file system.
    """
    existing = directory.absolute()
    while not existing.exists() and not existing.is_symlink():
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        reason = f"cannot be written ({existing}: {error.strerror}); name another directory"
        yield Problem(needed.field, needed.value, reason)
