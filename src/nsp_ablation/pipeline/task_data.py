"""A task's examples: where they lie, what names their content, and the cheap baselines measured on them once."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.fingerprint import files_fingerprint
from nsp_ablation.base.visible_files import files_below
from nsp_ablation.config.identity import task_settings
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.outcome import Baselines
from nsp_ablation.learning.tasks.task_files import split_content
from nsp_ablation.learning.tasks.task_kind import read_task, task_kind
from nsp_ablation.options.task_facts import TaskKindFacts
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.options.wanted_files import wanted_files
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.corpora import Corpus


@dataclass(frozen=True, eq=False)
class TaskData(Artifact):
    """The examples of a task; what is built are chance, majority and bag of words, and lines on what is left out."""

    kind = "baselines"
    options: TaskOptions
    is_generated: bool

    @property
    def facts(self) -> TaskKindFacts:
        return TASK_KINDS[self.options.kind]

    @property
    def is_at_hand(self) -> bool:
        """Whether nothing of it is to be fetched: held-out documents, or files."""
        return self.facts.reads == "heldout" or self.options.path is not None

    def identity(self) -> Any:
        options = self.options
        content: Any = None  # held-out documents have a name elsewhere
        if self.facts.reads == "files" and options.path is not None:
            content = {split: split_content(options, split) for split in wanted_files(options)}
        elif self.facts.reads == "files" and options.hub is not None:
            content = [asdict(options.hub), files_fingerprint(files_below(Path(options.hub.path)))]
        return [task_settings(options), content]

    def build(self, directory: Path) -> None:
        options, left_out = self.options, {split: LeftOut() for split in ("train", "dev")}
        train, dev = (read_task(options, split, left_out[split]) for split in ("train", "dev"))
        write_json(directory / "baselines.json", asdict(task_kind(options).baselines(train, dev, options)))
        lines = [f"tasks.{options.name} {split}: {line}" for split, out in left_out.items() for line in out.lines()]
        write_json(directory / "left_out.json", lines)

    def baselines(self) -> Baselines:
        """Return the baselines, measured on first use. Raises InputError where the files are unreadable."""
        return Baselines(**read_json(self.make() / "baselines.json"))

    def contexts(self) -> list[str]:
        """Return the different texts of the development examples. Raises InputError where the files are unreadable."""
        if not self.facts.is_probe:
            return task_kind(self.options).contexts(read_task(self.options, "dev"))
        from nsp_ablation.learning.probes.probe_inputs import probe_of

        return probe_of(self.options).contexts(self.options)

    def check_files(self) -> None:
        """Read the files once, and say which examples are left out.

        Raises InputError where they are unreadable, which is better known before training.
        """
        if not self.facts.is_probe:
            for line in read_json(self.make() / "left_out.json"):
                say("tasks", line)
        elif self.facts.reads == "files":
            from nsp_ablation.learning.probes.probe_inputs import probe_of

            probe_of(self.options).check_files(self.options)


def tasks_of(config: Config, corpus: Corpus) -> list[TaskData]:
    """Return the tasks with what they take from elsewhere: the corpus' own files, how much held-out text they read,
    what is in range, and how many training examples there are.

    The corpus' own files (the micro-world's) are those of a task that has no `path`; without them, they are the hub's.
    """
    tasks = []
    for options in config.tasks.values():
        is_generated = options.path is None and TASK_KINDS[options.kind].reads == "files" and corpus.is_generated
        path = str(corpus.make() / "tasks" / options.name) if is_generated else options.path
        own = replace(
            options,
            path=path,
            heldout_tokens=options.heldout_tokens or config.pretraining.heldout_tokens,
            in_range_tokens=options.in_range_tokens or config.probes.in_range_tokens,
            max_train_examples=options.max_train_examples or _recipe_limit(config, options),
        )
        tasks.append(TaskData(corpus.root, own, is_generated))
    return tasks


def _recipe_limit(config: Config, options: TaskOptions) -> int | None:
    is_probe = TASK_KINDS[options.kind].is_probe
    return None if is_probe else config.finetuning.recipe_of(options.name).max_train_examples
