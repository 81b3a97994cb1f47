"""A repository of configuration files that reads each once: half of a composition is reading."""

import pickle
from typing import Any


class ReadFiles:
    """Stands in for Hydra's repository of a loader; everything but reading is the repository's own."""

    def __init__(self, repository: Any):
        self._repository = repository
        self._read: dict[str, bytes] = {}  # pickled: Hydra changes what it is given

    def load_config(self, config_path: str) -> Any:
        """Return the file of a path below conf/."""
        if config_path not in self._read:
            self._read[config_path] = pickle.dumps(self._repository.load_config(config_path))
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
