"""Where numba keeps compiled kernels: a directory for each state of their source.

Left to itself numba looks at the file of a kernel alone. An edit of what that kernel calls in another file (a release
that corrects a draw, say) would go unnoticed, and the old science would run on.
"""

import os
from pathlib import Path

from nsp_ablation.base.fingerprint import files_fingerprint

_PACKAGES = ("base", "samples")  # where kernels, and what they call, are written


def keep_kernels_by_source() -> None:
    """Name numba's cache directory, for this process and its children, unless the user did; before numba is imported.

    It lies in the package's own `__pycache__`, or the user's cache directory where that cannot be written.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    package = Path(__file__).resolve().parent.parent
    sources = sorted(path for name in _PACKAGES for path in (package / name).rglob("*.py"))
    name = f"kernels-{files_fingerprint(sources)}"
    if os.access(package, os.W_OK):
        directory = package / "__pycache__" / name
    else:
        directory = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nsp-ablation" / name
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
