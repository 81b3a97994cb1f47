"""Other systems than Linux: nothing that Linux alone has is used without asking for it, and Windows is one line."""

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "run.py", *sorted((ROOT / "src").rglob("*.py"))]
MODULES = ("fcntl", "mmap", "os", "resource", "select", "signal", "socket", "sys", "termios", "threading", "time")

# What macOS has, but with another meaning: the start method of processes, a unit, the symbols of libc.
OTHERWISE = {
    "os": {"fork", "forkpty"},
    "resource": {"getrusage"},
    "ctypes": {"CDLL"},
    "multiprocessing": {"Process", "Pool", "Queue", "Manager", "Value", "Array"},
}

# Reached only where another file has asked: `forks` of stages/side_by_side.py is true on Linux alone.
ASKED_ELSEWHERE = {"cell_processes.py": ["multiprocessing.get_context('fork')"]}


@pytest.fixture(scope="module")
def linux_only() -> dict[str, set[str]]:
    """By module, the names that typeshed knows on Linux and not on macOS, and those of OTHERWISE."""
    found = importlib.util.find_spec("mypy")
    if found is None or not found.submodule_search_locations:
        pytest.skip("typeshed comes with mypy, which is not installed")
    typeshed = Path(found.submodule_search_locations[0]) / "typeshed" / "stdlib"
    names = {key: set(value) for key, value in OTHERWISE.items()}
    for module in MODULES:
        paths = (typeshed / f"{module}.pyi", typeshed / module / "__init__.pyi")
        body = ast.parse(next(path for path in paths if path.exists()).read_text()).body
        linux, darwin = (set(names_on(body, platform)) for platform in ("linux", "darwin"))
        names[module] = names.get(module, set()) | (linux - darwin)
    return names


def names_on(body: list[ast.stmt], platform: str) -> Iterator[str]:
    """Yield the names that statements of a stub define on a platform, members of classes too."""
    system = SimpleNamespace(platform=platform, version_info=sys.version_info[:3])
    for node in body:
        if isinstance(node, ast.If):
            holds = eval(compile(ast.Expression(node.test), "stub", "eval"), {"sys": system})
            yield from names_on(node.body if holds else node.orelse, platform)
        elif isinstance(node, ast.ClassDef):
            yield node.name
            yield from names_on(node.body, platform)
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def unguarded(source: str, names: dict[str, set[str]]) -> list[str]:
    """Return each use of a name, as `line: module.name`, that is not below a question whether it is there.

    Questions are `sys.platform == "linux"`, `hasattr(module, "name")` and `try` with AttributeError; a path of the
    kernel's (/proc, /sys, /dev/shm) asks by catching OSError in its file.
    """
    tree, found = ast.parse(source), []
    catches = any(map(catches_os_error, ast.walk(tree)))

    def visit(node: ast.AST, is_guarded: bool) -> None:
        if not is_guarded:
            found.extend(f"{node.lineno}: {use}" for use in uses(node, names, catches))
        for name, value in ast.iter_fields(node):
            below = is_guarded or (name == "body" and asks(node))
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child, below)

    visit(tree, False)
    return found


def catches_os_error(node: ast.AST) -> bool:
    is_suppress = isinstance(node, ast.Call) and ast.unparse(node.func) == "suppress"
    return (is_suppress or isinstance(node, ast.ExceptHandler)) and "OSError" in ast.dump(node)


def asks(node: ast.AST) -> bool:
    if isinstance(node, ast.Try):
        return any(
            handler.type is not None and "AttributeError" in ast.unparse(handler.type) for handler in node.handlers
        )
    if not isinstance(node, ast.If | ast.IfExp):
        return False
    text = ast.unparse(node.test)
    return text.startswith(("sys.platform == 'linux'", "hasattr("))


def uses(node: ast.AST, names: dict[str, set[str]], catches: bool) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.attr in names.get(node.value.id, ()):
            yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{a.name}" for a in node.names if a.name in names.get(str(node.module), ()))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if node.value.startswith(("/proc/", "/sys/", "/dev/shm")) and not catches:
            yield node.value
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("get_context", "set_start_method")):
        yield from [ast.unparse(node)] if [ast.unparse(each) for each in node.args] != ["'spawn'"] else []


@pytest.mark.parametrize(
    "source",
    [
        "os.sched_getaffinity(0)",
        "os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)",
        "from os import memfd_create",
        "signal.sigtimedwait(signals, 1)",
        "select.epoll()",
        "resource.prlimit(0, 1)",
        "ctypes.CDLL(None).prctl(1, 9)",
        "x = 0 if sys.platform == 'linux' else os.sched_getaffinity(0)",
        "if not sys.platform:\n    os.pidfd_open(1)",
        "try:\n    pass\nexcept AttributeError:\n    os.sched_yield()\n    os.memfd_create('x')",
        "Path('/proc/self/status').read_text()",
        "get_context('fork')",
        "multiprocessing.get_context()",
        "multiprocessing.Pool(2)",
        "os.fork()",
        "resource.getrusage(0).ru_maxrss",
    ],
)
def test_what_linux_alone_has_is_seen(linux_only, source):
    assert unguarded(source, linux_only)


@pytest.mark.parametrize(
    "source",
    [
        "len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()",
        "if sys.platform == 'linux':\n    ctypes.CDLL(None).prctl(1, 9)",
        "try:\n    os.posix_fadvise(file, 0, 0, 4)\nexcept AttributeError:\n    pass",
        "try:\n    Path('/proc/meminfo').read_text()\nexcept OSError:\n    pass",
        "get_context('spawn')",
        "fcntl.flock(file, fcntl.LOCK_EX); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP]); os.O_NOFOLLOW",
    ],
)
def test_what_is_asked_for_or_is_everywhere_passes(linux_only, source):
    assert unguarded(source, linux_only) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_linux_alone_has_is_used_without_asking(linux_only, path):
    found = [use.partition(": ")[2] for use in unguarded(path.read_text(), linux_only)]
    assert found == ASKED_ELSEWHERE.get(path.name, [])


SYSTEM = """
import importlib, multiprocessing, sys, tempfile

class Platform(str):
    # libraries that were built for Linux go on there
    def __eq__(self, other):
        is_ours = sys._getframe(1).f_globals.get("__name__", "").startswith(("nsp_ablation", "__main__"))
        return (PLATFORM if is_ours else "linux") == other
    def __ne__(self, other):
        return not self.__eq__(other)
    __hash__ = str.__hash__

sys.platform = Platform("linux")
tempfile._O_TMPFILE_WORKS = False
multiprocessing.set_start_method("spawn")
for module, names in NAMES.items():
    module = importlib.import_module(module)
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""


def python_on(platform: str, directory: Path, names: dict[str, set[str]], *arguments: str):
    """Run Python in a simulated system, child processes too: its name, and without what Linux alone has."""
    missing = {key: sorted(value) for key, value in names.items()}
    (directory / "sitecustomize.py").write_text(f"PLATFORM, NAMES = {platform!r}, {missing!r}\n{SYSTEM}")
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(directory), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_windows_is_one_line_with_the_remedy(tmp_path):
    names = {"signal": {"SIGHUP", "SIGUSR1", "pthread_sigmask"}, "os": {"O_NOFOLLOW"}}
    ended = python_on("win32", tmp_path, names, str(ROOT / "run.py"))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: Windows")
    assert "WSL" in line
