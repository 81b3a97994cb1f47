"""Rows of data sets of the Hugging Face hub, loaded by `datasets`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nsp_ablation.options.task_options import TaskHubOptions


def load_hub_rows(task: str, hub: TaskHubOptions, split: str, name: str | None) -> Any:
    """Return the rows of one split of a configuration `name`. Raises ValueError where it cannot be loaded."""
    import datasets

    with _hub_errors(task, f"split {split!r} of {hub.path!r}"):
        return datasets.load_dataset(hub.path, name, split=split, revision=hub.revision)


def hub_configs(task: str, hub: TaskHubOptions) -> list[str]:
    """Return the names of a data set's configurations. Raises ValueError where they cannot be listed."""
    import datasets

    with _hub_errors(task, f"{hub.path!r}"):
        return sorted(datasets.get_dataset_config_names(hub.path, revision=hub.revision))


@contextmanager
def _hub_errors(task: str, what: str) -> Iterator[None]:
    with _quiet():
        try:
            yield
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"tasks.{task}: cannot load {what} ({reason}); without network set "
                f"tasks.{task}.path to a directory of the original files"
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars or notices of datasets inside; its settings are restored after."""
    import datasets

    verbosity, has_bars = datasets.logging.get_verbosity(), not datasets.utils.are_progress_bars_disabled()
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if has_bars:
            datasets.enable_progress_bars()
