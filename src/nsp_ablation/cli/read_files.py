"""A repository of configuration files that reads each once: half of a composition is reading."""

import pickle
from collections.abc import Callable
from typing import Any

from yaml import YAMLError

from nsp_ablation.config.problem import ConfigurationError


class ReadFiles:
    """Stands in for Hydra's repository of a loader; everything but reading is the repository's own.

    `make_ready(path)` is called before a file is read for the first time.
    """

    def __init__(self, repository: Any, make_ready: Callable[[str], None]):
        self._repository, self._make_ready = repository, make_ready
        self._read: dict[str, bytes] = {}  # pickled: Hydra changes what it is given

    def load_config(self, config_path: str) -> Any:
        """Return the file of a path below conf/. Raises ConfigurationError naming one that is no YAML."""
        if config_path not in self._read:
            try:
                self._make_ready(config_path)
                loaded = self._repository.load_config(config_path)
            except YAMLError as error:
                reason = " ".join(str(error).replace('in "<file>", ', "in ").split())
                raise ConfigurationError([f"{config_path.removesuffix('.yaml')}.yaml is no YAML: {reason}"]) from error
            self._read[config_path] = pickle.dumps(loaded)
        return pickle.loads(self._read[config_path])

    def initialize_sources(self, config_search_path: Any) -> None:
        """Forget what was read: other directories are searched."""
        self._read.clear()
        self._repository.initialize_sources(config_search_path)

    def __deepcopy__(self, memo: dict[int, Any]) -> "ReadFiles":
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_repository":
            raise AttributeError(name)
        return getattr(self._repository, name)
