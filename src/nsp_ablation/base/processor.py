"""The processor of this machine, as records and benchmarks name it."""

import platform
import re
from pathlib import Path

_FACTS = Path("/proc/cpuinfo")
_MODEL_FIELDS = ("model name", "cpu model", "cpu", "Model")  # of x86, MIPS, POWER, and of some boards with ARM


def processor_name(facts: Path = _FACTS) -> str:
    """Return the model of the processor: of Linux's /proc/cpuinfo (`facts`) where that names it, else what `platform`
    knows of it, which may be no more than its family."""
    try:
        lines = facts.read_text(errors="replace")
    except OSError:
        lines = ""
    found = dict(
        reversed(re.findall(r"^([^\t\n:]+?)[ \t]*:[ \t]*(.*\S)[ \t]*$", lines, re.MULTILINE))
    )  # the first one's
    named = [found[name] for name in _MODEL_FIELDS if name in found]
    return " ".join([*named, platform.processor() or "unknown processor"][0].split())
