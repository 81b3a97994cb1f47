"""The only file that touches Hydra: it parses, composes, starts jobs, and answers some flags itself.

`tests/cli/test_hydra_contract.py` names every part of Hydra that this file leans on.
"""

import functools
import os
import pickle
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString, Transformer
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nsp_ablation.cli.composition import Composition
from nsp_ablation.cli.read_files import ReadFiles
from nsp_ablation.config.factors import multiplied
from nsp_ablation.config.schema import Config

# Hydra 1.4 warns of `version_base`, and 1.3 without it.
_VERSION: dict[str, Any] = {"version_base": "1.3"} if hydra.__version__.startswith("1.3") else {}
_CONFIG_NAME = "config"
_EXPERIMENT = "experiment"
_FOLLOWED = ("run.dir", "sweep.dir", "job.chdir", "sweeper.max_batch_size")
_MAX_KEPT = 256  # compositions that are kept: a sweep may have more cells, and goes through them in order


class Composer:
    """Parses and composes over one `conf/`, one `experiments/` and one search path; compositions are kept."""

    def __init__(self, loader: ConfigLoader, experiments: Path, config_name: str, searchpath: list[str]):
        self.loader, self.config_name, self.searchpath = loader, config_name, searchpath
        read = functools.partial(_read_experiment, experiments)
        self._files = loader.repository = ReadFiles(loader.repository, read)  # type: ignore[attr-defined]
        self.options = functools.cache(self._options)
        self.compose = functools.lru_cache(_MAX_KEPT)(self._compose)
        self.compose_cell = functools.lru_cache(_MAX_KEPT)(self._compose_cell)
        self._set_after = functools.cache(self._list_set_after)
        self._bases: dict[tuple[str, ...], tuple[str, ...]] = {}

    def parse(self, words: list[str]) -> list[Override]:
        """Parse overrides. Raises what Hydra raises for one that cannot be read."""
        return OverridesParser.create(config_loader=self.loader).parse_overrides(words)

    def groups(self) -> list[str]:
        """Return the names of the configuration groups, without Hydra's own."""
        return [group for group in self.loader.list_groups("") if group != "hydra" and self.options(group)]

    def _options(self, group: str) -> list[str]:
        """Return a group's options, nothing where there is no such group."""
        return self.loader.get_group_options(group, ObjectType.CONFIG, self.config_name, self.searchpath)

    def _compose(self, words: tuple[str, ...], is_sweep: bool = False) -> Composition:
        """Compose overrides, in a sixth of a second; of a sweep what its cells have in common."""
        composed = self.whole([*words], is_sweep)
        choices, sweep = dict(composed.hydra.runtime.choices), dict(composed.hydra.sweeper.get("params") or {})
        hydras = {key: OmegaConf.select(composed.hydra, key, throw_on_resolution_failure=False) for key in _FOLLOWED}
        with open_dict(composed):
            del composed["hydra"]
        return Composition(pickle.dumps(composed), choices, sweep, hydras)

    def whole(self, words: list[str], is_sweep: bool) -> DictConfig:
        """Return the whole composed configuration, Hydra's own part too."""
        mode = RunMode.MULTIRUN if is_sweep else RunMode.RUN
        return self.loader.load_configuration(self.config_name, [*self.searchpath, *words], mode)

    def _compose_cell(self, words: tuple[str, ...]) -> Composition:
        """Compose a cell, from one composed before where they differ only in groups whose file is known to be merged
        between the schema and later files."""
        chosen = {word: word.partition("=")[0] for word in words if self._file(word) is not None}
        base = self._bases.setdefault(tuple(chosen.get(word, word) for word in words), words)
        changed = {chosen[word]: self._file(word) for word in chosen if word not in base}
        if not changed or not changed.keys() <= self._set_after(base).keys():
            return self.compose(words if changed else base)
        schema = self._files.load_config("schema").config
        try:
            later = self._set_after(base)
            merged = {group: OmegaConf.merge(schema[group], file, *later[group]) for group, file in changed.items()}
        except OmegaConfBaseException:  # a user's own file; Hydra says which
            return self.compose(words)
        composition = self.compose(base)
        settings = composition.settings({})
        settings.update(merged)
        return replace(composition, pickled=pickle.dumps(settings))

    def _file(self, word: str) -> DictConfig | None:
        """Return the file that a word chooses for a group, None where it sets or chooses anything beside the group."""
        group, _, option = word.partition("=")
        if group not in Config.__dataclass_fields__ or option not in self.options(group):
            return None
        loaded = self._files.load_config(f"{group}/{option}")
        return None if loaded.header["package"] or loaded.defaults_list else loaded.config

    def _list_set_after(self, words: tuple[str, ...]) -> dict[str, tuple[DictConfig, ...]]:
        """Return by group what other files set of it after its own, for groups that nothing else sets but the schema
        before it: no word, and no file in between."""
        typed = {re.split(r"[.=@]", word.lstrip("+"))[0] for word in words if self._file(word) is None}
        listed = self.loader.compute_defaults_list(self.config_name, [*self.searchpath, *words], RunMode.RUN)
        places, after = Counter[str](), dict[str, tuple[DictConfig, ...]]()
        for default in listed.defaults:
            file = self._files.load_config(default.config_path)
            if "${" in repr(file.defaults_list):
                return {}  # a choice may choose others
            group = (default.package or "").partition(".")[0]
            for key in [group] if group else file.config:
                places[key] += 1
                if not group and key in after and isinstance(file.config[key], DictConfig):
                    after[key] += (file.config[key],)
                elif default.package == key and places[key] == 2:  # the first is the schema's
                    after[key] = ()
                else:
                    after.pop(key, None)
        return {key: values for key, values in after.items() if key not in typed}


def make_composer(root: Path, config_path: str | None, config_name: str | None, searchpath: list[str]) -> Composer:
    """Return a composer over conf/ and experiments/ in `root`, which reads their files when they are chosen."""
    _register(experiments := root / "experiments")
    with hydra.initialize_config_dir(str(root / (config_path or "conf")), job_name="run", **_VERSION):
        loader = GlobalHydra.instance().config_loader()
    return Composer(loader, experiments, config_name or _CONFIG_NAME, searchpath)


def words_of(override: Override) -> Iterator[tuple[Any, str]]:
    """Yield each value of an override, several in a sweep, with the override that gives it alone."""
    if not override.is_sweep_override():
        yield override.value(), str(override.input_line)
    elif override.is_discrete_sweep():
        for item in override.sweep_iterator(transformer=lambda raw: (_plain(raw), Transformer.str(raw))):
            value, text = item if isinstance(item, tuple) else (item, item)  # globs yield names as they are
            yield value, f"{override.get_key_element()}={text}"


def launch(composer: Composer, words: list[str], jobs: list[list[str]], source: Path) -> list[int]:
    """Start jobs by Hydra's launcher (`hydra/launcher=submitit_slurm`) and return their exit statuses.

    A launcher composes each job again where it runs; other processes find our types by PYTHONPATH. Raises what the
    launcher raises.
    """
    from hydra._internal.callbacks import Callbacks

    os.environ["PYTHONPATH"] = os.pathsep.join([str(source), *filter(None, [os.environ.get("PYTHONPATH")])])
    config = composer.whole(words, is_sweep=True)
    callbacks = Callbacks(config)
    callbacks.on_multirun_start(config=config, config_name=composer.config_name)
    launcher = Plugins.instance().instantiate_launcher(
        config=config,
        hydra_context=HydraContext(config_loader=composer.loader, callbacks=callbacks),
        task_function=run_job,
    )
    size = config.hydra.sweeper.get("max_batch_size") or len(jobs)
    statuses: list[int] = []
    for start in range(0, len(jobs), size):
        statuses += _launch(launcher, jobs[start : start + size], start)
    callbacks.on_multirun_end(config=config, config_name=composer.config_name)
    return statuses


def _launch(launcher: Any, jobs: list[list[str]], first: int) -> list[int]:
    """Run jobs, which are numbered from `first`, and return their exit statuses."""
    if type(launcher).__name__ != "SlurmLauncher":
        return [int(job.return_value) for job in launcher.launch(jobs, initial_job_idx=first)]
    from nsp_ablation.cli.slurm_cells import run_as_slurm_jobs
    from nsp_ablation.stages.cell import results_folder

    Path(launcher.config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
    state, shared = Singleton.get_state(), set(jobs[0]).intersection(*jobs[1:]) if jobs[1:] else set[str]()
    calls = [(words, "hydra.sweep.dir", first + number, "", state) for number, words in enumerate(jobs)]
    cells = [" ".join(word for word in words if word not in shared) for words in jobs]
    ledger = results_folder(launcher.config) / "jobs.json"
    return run_as_slurm_jobs(launcher.params, launcher, calls, cells, ledger)


def run_job(settings: DictConfig) -> int:
    """Run the cell that Hydra composed for this job and return its exit status."""
    from nsp_ablation.cli.overrides import as_typed
    from nsp_ablation.stages.cell import run_cell

    config = OmegaConf.to_object(settings)
    assert isinstance(config, Config)
    return run_cell(multiplied(config), [as_typed(word) for word in HydraConfig.get().overrides.task])


def show(words: list[str], root: Path) -> None:
    """Let Hydra answer the flags that are its own (--cfg, --info, ...), which it reads from `sys.argv`."""
    for path in _register(experiments := root / "experiments"):
        _read_experiment(experiments, path)
    sys.argv[1:] = words
    hydra.main(config_path=str(root / "conf"), config_name=_CONFIG_NAME, **_VERSION)(run_job)()


def _register(experiments: Path) -> list[str]:
    """Give Hydra the schema and the names of the group `experiment`, the files of `experiments/`; return their paths.

    They are read when one is chosen: a command reads one of them or none, and each takes 12 ms.
    """
    store = ConfigStore.instance()
    if store.get_type("schema.yaml") == ObjectType.NOT_FOUND:
        store.store(name="schema", node=Config)
    paths = [f"{_EXPERIMENT}/{path.stem}" for path in sorted(experiments.glob("*.yaml"))]
    for path in paths:
        if store.get_type(f"{path}.yaml") == ObjectType.NOT_FOUND:
            store.store(group=_EXPERIMENT, name=path.partition("/")[2], node={})
    return paths


def _read_experiment(experiments: Path, path: str) -> None:
    """Give Hydra the file of `experiments/` that a path of its own names, where it names one."""
    group, _, name = path.removesuffix(".yaml").partition("/")
    file = experiments / f"{name}.yaml"
    if group == _EXPERIMENT and file.is_file():
        ConfigStore.instance().store(group=group, name=name, node=OmegaConf.load(file), package="_global_")


def _plain(raw: Any) -> Any:
    if isinstance(raw, list):
        return [_plain(item) for item in raw]
    if isinstance(raw, dict):
        return {_plain(key): _plain(item) for key, item in raw.items()}
    return raw.text if isinstance(raw, QuotedString) else raw
