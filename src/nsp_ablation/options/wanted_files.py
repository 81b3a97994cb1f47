"""Which files a task reads: those that it names, else its kind's."""

from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions


def wanted_files(task: TaskOptions) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return for each split what to look for in `task.path`: groups of names or patterns, of which one must be there.

    No group: the task must name its file.

    The splits are "train" and "dev" of a task that is fine-tuned and "dev" alone of a probe that reads files.
    """
    facts = TASK_KINDS[task.kind]
    if facts.reads != "files":
        return {}
    named = {"dev": task.dev_file} if facts.is_probe else {"train": task.train_file, "dev": task.dev_file}
    defaults = {split: tuple((pattern.format(split=split),) for pattern in facts.default_files) for split in named}
    given = {split: [names] if isinstance(names, str) else names for split, names in named.items()}
    return {split: defaults[split] if names is None else (tuple(names),) for split, names in given.items()}
