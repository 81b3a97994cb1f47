"""The import table: who may import whom, and which heavy library stands where."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from nsp_ablation.options.format_options import FORMATS

SOURCE = Path(__file__).parents[1] / "src" / "nsp_ablation"
ROOMS = {"text", "samples", "learning", "reporting"}

# What a package imports besides itself, `options` and `base`: all of it and nothing else, so that no line outlives its
# reason.
TABLE = {
    "options": set(),
    "base": set(),
    "config": set(),
    "text/corpus": set(),
    "text/microworld": set(),
    "text/tokenization": set(),
    "text/store": {"text/corpus", "text/tokenization"},
    "text/preparation": {"text/corpus", "text/store"},
    "samples/formats": {"text/store"},
    "samples/batches": {"samples/formats", "text/store"},
    "samples/inspection": {"samples/batches", "samples/formats", "text/store", "text/tokenization"},
    "learning/cost": set(),
    "learning/engine": set(),
    "learning/pretraining": {
        *("learning/cost", "learning/engine", "samples/batches", "samples/formats", "text/tokenization"),
    },
    "learning/tasks": {"text/corpus"},
    "learning/finetuning": {"learning/engine", "learning/tasks"},
    "learning/probes": {
        *("learning/engine", "learning/tasks", "samples/batches", "samples/formats", "text/store"),
        "text/tokenization",
    },
    "reporting/records": set(),
    "reporting/analysis": {"reporting/records"},
    "reporting/render": {"reporting/analysis"},
    "reporting/dashboards": {"reporting/analysis", "reporting/records", "reporting/render"},
    "pipeline": {
        *("config", "text/corpus", "text/microworld", "text/store", "text/tokenization", "samples/batches"),
        *("samples/inspection", "text/preparation"),
        *("samples/formats", "learning/cost", "learning/engine", "learning/finetuning", "learning/pretraining"),
        *("learning/probes", "learning/tasks", "reporting/dashboards", "reporting/records"),
        "reporting/render",
    },
    "stages": {
        *("config", "pipeline", "samples/batches", "samples/inspection", "learning/cost", "learning/engine"),
        "reporting/analysis",
        *("reporting/dashboards", "reporting/records", "reporting/render"),
    },
    "cli": {"config", "stages"},
}
FRAMEWORKS = {"torch", "pytorch_lightning", "transformers"}
HEAVY: dict[str, set[str]] = {
    "options": set(),
    "base": {"numpy"},
    "config": {"omegaconf"},
    "text/corpus": {"datasets", "sentencex", "pyarrow", "zstandard"},
    "text/microworld": {"numpy"},
    "text/tokenization": {"numpy", "tokenizers", "huggingface_hub"},
    "text/store": {"numpy", "tokenizers"},
    "text/preparation": {"datatrove", "loguru", "numpy"},
    "samples/formats": {"numpy", "numba"},
    "samples/batches": {"numpy", "numba", "torch"},
    "samples/inspection": {"numpy", "rich", "tokenizers"},
    "learning/cost": set(),
    "learning/engine": {"numpy", "tokenizers", *FRAMEWORKS},
    "learning/pretraining": {"numpy", *FRAMEWORKS},
    "learning/tasks": {"numpy", "scipy", "datasets", "tokenizers"},
    "learning/finetuning": {"numpy", "torch", "pytorch_lightning"},
    "learning/probes": {"numpy", "torch", "transformers"},
    "reporting/records": {"numpy"},
    "reporting/analysis": {"numpy", "scipy", "omegaconf"},
    "reporting/render": {"jinja2"},
    "reporting/dashboards": {"tensorboard", "wandb", "wandb_workspaces"},
    "pipeline": {"numpy", "huggingface_hub", "torch", "pytorch_lightning"},
    "stages": {"numpy", "rich"},
    "cli": {"hydra", "omegaconf"},
}
KNOWN_LIBRARIES = set().union(*HEAVY.values(), {"hydra", "lightning", "evaluate", "pandas", "safetensors", "sklearn"})
KNOWN_LIBRARIES |= {"matplotlib"}


def package_of(parts: tuple[str, ...] | list[str]) -> str:
    return "/".join(parts[:2]) if parts[0] in ROOMS else parts[0]


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
    """Return every module of every package; the docstrings of rooms are no modules."""
    paths = [path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py"))]
    return [SOURCE / path for path in paths if len(path.parts) > 1 + (path.parts[0] in ROOMS)]


def package_imports() -> set[tuple[str, str]]:
    """Return (package, package that it imports) of the whole source."""
    found = set()
    for path in package_files():
        package = package_of(path.relative_to(SOURCE).parts)
        names = [name.split(".") for name in imported_modules(path)]
        found |= {(package, package_of(parts[1:])) for parts in names if parts[0] == "nsp_ablation"}
    return {(package, other) for package, other in found if package != other}


def test_every_package_is_in_the_table():
    assert {package_of(path.relative_to(SOURCE).parts) for path in package_files()} == set(TABLE)


def test_packages_import_what_the_table_says():
    imports = package_imports()
    ground = {"options", "base"}
    found = {package: {b for a, b in imports if a == package} - ground for package in TABLE}
    assert found == TABLE
    assert not [(a, b) for a, b in imports if a in ground]


@pytest.mark.parametrize("package", sorted(HEAVY))
def test_heavy_libraries_stand_where_the_table_says(package):
    paths = [path for path in package_files() if package_of(path.relative_to(SOURCE).parts) == package]
    found = {name.split(".")[0] for path in paths for name in imported_modules(path)}
    assert found & KNOWN_LIBRARIES == HEAVY[package]


def test_hydra_stands_in_one_file():
    files = {
        path.name for path in package_files() if any(name.split(".")[0] == "hydra" for name in imported_modules(path))
    }
    assert files == {"hydra_bridge.py"}


def test_the_engine_is_imported_by_its_steps_and_executors_alone():
    files = {path.name for path in package_files() if any("datatrove" in name for name in imported_modules(path))}
    assert files == {"pipeline_steps.py", "near_duplicates.py", "local_tasks.py", "slurm_tasks.py"}


def test_torch_stands_in_two_files_of_batches():
    files = {path.name for path in (SOURCE / "samples" / "batches").glob("*.py") if "torch" in path.read_text()}
    assert files == {"loader.py", "dataset.py"}


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


def names_that_stand_twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def test_no_two_modules_share_a_name():
    assert names_that_stand_twice([path.stem for path in package_files() if path.stem != "__init__"]) == []


def test_no_two_classes_share_a_name():
    trees = [ast.parse(path.read_text()) for path in package_files()]
    names = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert names_that_stand_twice(names) == []


def test_formats_are_named_by_their_declaration_and_themselves_alone():
    texts = {path.relative_to(SOURCE).as_posix(): path.read_text() for path in SOURCE.rglob("*.py")}
    naming = {path for path, text in texts.items() if any(f'"{name}"' in text for name in FORMATS)}
    assert "options/format_options.py" in naming
    assert not [path for path in naming if not path.startswith(("options/", "samples/formats/"))]


LIGHT = (
    *("reporting.render.outputs", "reporting.records.record_folder", "config.path_checks"),
    *("text.preparation.prepare_in_tasks", "text.store.build_stores"),
    *("samples.formats.registry", "pipeline.task_data", "cli.main"),
)


def test_status_loads_neither_torch_nor_numpy():
    code = "import sys, nsp_ablation.cli.main, nsp_ablation.stages.status\n"
    code += "sys.exit(bool({'torch', 'numpy'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE.parent)}).returncode == 0


@pytest.mark.parametrize("module", LIGHT)
def test_light_packages_never_load_torch(module):
    code = f"import sys, nsp_ablation.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE.parent)}).returncode == 0
