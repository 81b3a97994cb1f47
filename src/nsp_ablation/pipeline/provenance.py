"""Where a result came from: commit, versions, device, time."""

import datetime
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nsp_ablation.reporting.records.record import Provenance

_PACKAGES = ("torch", "transformers", "pytorch-lightning", "tokenizers", "numpy", "numba", "sentencex", "nsp-ablation")


def provenance(device: str, attention_backend: str) -> Provenance:
    """Return the provenance of a record that is made now."""
    commit = _git("rev-parse", "HEAD")
    # what a run writes is no change of what made it
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ":(top)", ":(top,exclude)results")
    return Provenance(
        commit=commit,
        dirty=bool(changes) if commit is not None else None,
        python=platform.python_version(),
        platform=platform.platform(),
        versions={name: found for name in _PACKAGES if (found := installed_version(name)) is not None},
        device=device,
        attention_backend=attention_backend,
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def installed_version(name: str) -> str | None:
    """Return the version of an installed package, None where it is not installed: a checkout, say."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
