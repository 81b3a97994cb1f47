"""Keys of a group that belong to other variants than the one that is chosen."""

from collections.abc import Iterator
from typing import Any

from nsp_ablation.config.problem import Problem


def foreign_keys(path: str, options: Any, choice: str, chosen: str, variants: dict[str, Any]) -> Iterator[Problem]:
    """Yield each key with another value than its default that only other variants (`FORMATS`, ...) have."""
    defaults = type(options)()
    own = variants[chosen].options if chosen in variants else ()
    others = {key for facts in variants.values() for key in facts.options}.difference(own)
    for key, value in vars(options).items():
        if key in others and value != getattr(defaults, key):
            having = [name for name, facts in variants.items() if key in facts.options]
            reason = f"{choice}={chosen} has no such key; it belongs to {choice}={' or '.join(having)}"
            yield Problem(f"{path}.{key}", value, reason)
