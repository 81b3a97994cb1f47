"""Memory that this machine, or the container that the process runs in, still has."""

from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def free_memory_bytes(meminfo: Path = Path("/proc/meminfo"), cgroups: Path = _CGROUPS) -> int | None:
    """Return the bytes that processes can take without swapping; None where the system does not say (no Linux)."""
    free = [number for number in (_of_machine(meminfo), _of_container(cgroups)) if number is not None]
    return min(free, default=None)


def _of_machine(meminfo: Path) -> int | None:
    with suppress(OSError):
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return None


def _of_container(cgroups: Path) -> int | None:
    """Return the rest of the limit of the container (cgroup v2, then v1), None where it has none."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # absent; "max" is no number
            return max(int((cgroups / limit).read_text()) - int((cgroups / used).read_text()), 0)
    return None
