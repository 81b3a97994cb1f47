"""A configuration as it is composed, before interpolations are resolved."""

import functools
import json
import pickle
import re
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from nsp_ablation.config.tree import split_at_dict


@dataclass
class Composition:
    """A composed configuration before interpolations are resolved, without Hydra's own part.

    `sweep` holds the values that a scale or experiment sweeps when nothing is typed for them, `hydras` the other
    settings of Hydra's that we follow, as dotted keys below `hydra`.
    """

    pickled: bytes  # a copy takes an eighth of the time of a deep copy
    choices: dict[str, Any]
    sweep: dict[str, Any]
    hydras: dict[str, Any]

    def settings(self, values: dict[str, Any]) -> DictConfig:
        """Return a copy of the settings with plain values set; keys of a dict that are missing are made."""
        settings: DictConfig = pickle.loads(self.pickled)
        for key, value in values.items():
            mapping, rest = split_at_dict(key)
            for part in reversed(rest):
                value = {part: value}
            OmegaConf.update(settings, mapping, value, merge=True, force_add=True)
        return settings

    def is_mentioned(self, key: str) -> bool:
        """Whether an interpolation may read a key, a group above it, or its end where the interpolation is relative."""
        names = (name.strip(".") for name in self._mentioned)
        return any(f"{key}.".startswith(f"{name}.") or f".{key}".endswith(f".{name}") for name in names)

    @property
    def mentions_environment(self) -> bool:
        """Whether an interpolation reads an environment variable."""
        return "oc.env" in self._mentioned

    @functools.cached_property
    def _mentioned(self) -> set[str]:
        text = json.dumps(OmegaConf.to_container(self.settings({}), resolve=False))
        inside = re.findall(r'\$\{((?:[^"\\]|\\.)*)', text)
        return {word for each in inside for word in re.findall(r"[\w.]+", each)}
