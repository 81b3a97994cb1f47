"""Mistakes of ours: any exception but a StatedError. The user reads one line, and whoever mends it the traceback."""

import tempfile
import traceback
from pathlib import Path

from nsp_ablation.base.artifact import write_text
from nsp_ablation.base.errors import StatedError


def log_mistake(error: Exception, path: Path | None) -> str:
    """Write the traceback to `path` (None: a new temporary file) and return the line that says so and where."""
    text = "".join(traceback.format_exception(error))
    try:
        if path is None:
            with tempfile.NamedTemporaryFile("w", prefix="nsp-ablation-", suffix=".log", delete=False) as file:
                file.write(text)
            path = Path(file.name)
        else:
            write_text(path, text)
        where = f"traceback in {path}"
    except (OSError, StatedError) as unwritten:
        where = f"no traceback: {unwritten}"
    return f"a mistake of this program, or of the machine: {type(error).__name__}: {error} ({where})"
