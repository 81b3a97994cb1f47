"""The import table: who may import whom, and which heavy library stands where."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "nsp_ablation"

ALLOWED = {
    "base": set(),
    "config": set(),
    "corpus": {"base"},
    "microworld": {"corpus", "base"},
    "store": {"corpus", "base"},
    "formats": {"store", "base"},
    "batches": {"formats", "store", "base"},
    "training": {"base"},
    "pretraining": {"training", "batches", "formats", "store", "base"},
    "records": {"base"},
    "finetuning": {"training", "records", "base"},
    "analysis": {"records", "base"},
    "stages": {
        *("base", "config", "corpus", "microworld", "store", "formats", "batches"),
        *("training", "pretraining", "records", "finetuning", "analysis"),
    },
}
FRAMEWORKS = {"torch", "pytorch_lightning", "transformers"}
HEAVY = {
    "base": {"numpy"},
    "config": {"omegaconf"},
    "corpus": {"datasets", "sentencex", "pyarrow", "zstandard"},
    "microworld": {"numpy"},
    "store": {"numpy", "tokenizers", "huggingface_hub"},
    "formats": {"numpy", "numba"},
    "batches": {"numpy", "numba", "torch"},
    "training": {"numpy", "wandb", "rich", *FRAMEWORKS},
    "pretraining": {"numpy", "safetensors", *FRAMEWORKS},
    "records": {"numpy"},
    "finetuning": {"numpy", "scipy", "datasets", "tokenizers", *FRAMEWORKS},
    "analysis": {"numpy", "scipy", "pandas", "matplotlib", "jinja2", "rich"},
    "stages": {"numpy", "rich", "tokenizers", "huggingface_hub", *FRAMEWORKS},
}
KNOWN_LIBRARIES = set().union(*HEAVY.values(), {"hydra", "lightning", "evaluate", "sklearn"})


def imported_modules(path: Path) -> set[str]:
    """Return the absolute names that a file imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def package_files() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if path.parent != SOURCE]


def test_every_package_is_in_the_table():
    assert {path.relative_to(SOURCE).parts[0] for path in package_files()} == set(ALLOWED)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_package_imports_only_what_the_table_allows(package):
    for path in (SOURCE / package).rglob("*.py"):
        for name in imported_modules(path):
            parts = name.split(".")
            if parts[0] == "nsp_ablation":
                assert parts[1] == package or parts[1] in ALLOWED[package], f"{path} imports {name}"
            elif parts[0] in KNOWN_LIBRARIES:
                assert parts[0] in HEAVY[package], f"{path} imports {name}"


def test_torch_stands_in_one_file_of_batches():
    files = {path.name for path in (SOURCE / "batches").glob("*.py") if "torch" in path.read_text()}
    assert files == {"loader.py"}


def test_no_module_is_called_utils():
    assert not [
        path for path in package_files() if path.stem in {"utils", "util", "helper", "helpers", "common", "misc"}
    ]


def test_files_and_functions_stay_short():
    for path in [*package_files(), SOURCE.parents[1] / "run.py"]:
        text = path.read_text()
        assert len(text.splitlines()) <= 250, f"{path} is longer than 250 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                docstring = ast.get_docstring(node, clean=False)
                length = node.end_lineno - node.lineno + 1 - (len(docstring.splitlines()) if docstring else 0)
                assert length <= 40, f"{path}: {node.name} has {length} lines"


@pytest.mark.parametrize(
    "module", ["analysis.report", "records.folder", "config.checks", "store.build", "formats.registry"]
)
def test_light_rooms_never_load_torch(module):
    code = f"import sys, nsp_ablation.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE.parent)}).returncode == 0
