"""The chain of artifacts: Corpus -> Tokenizer -> Stores -> Feed -> Encoder -> Result.

Every link is named before it exists: its key is the fingerprint of all that decides its content, and its directory is
`<paths.artifacts>/<kind>/<key>`. `make()` builds what is missing, from the corpus on.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from nsp_ablation.base.artifact import build_once, read_json, write_json
from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.owned_paths import owned

# The number of each maker is part of the key of what it makes: the commit that changes what it makes raises it, so that
# nothing older is taken for its work (tests/golden).
MAKERS = {"corpora": 3, "tokenizers": 2, "stores": 3, "indexes": 1, "encoders": 4, "baselines": 2, "records": 4}
MAKERS |= {"overlaps": 1, "cards": 2, "curves": 1}
MAKERS |= {"selections": 1}
LINK_FILE = "artifact.json"
RUN_FILES = ("last.ckpt", "rank*.log")  # what an interrupted training keeps, in runs/, and its other ranks say


@dataclass(frozen=True, eq=False)
class Artifact(ABC):
    """A directory below `root` (paths.artifacts)."""

    root: Path
    kind: ClassVar[str]

    @abstractmethod
    def identity(self) -> Any:
        """Return the settings and contents that decide this artifact, as JSON values, but for its inputs' keys."""

    def inputs(self) -> "tuple[Artifact, ...]":
        """Return the artifacts that this one is made from."""
        return ()

    def input_names(self) -> list[str]:
        """Return the names of the artifacts that this one was made from."""
        return [link.name for link in self.inputs()]

    @cached_property
    def key(self) -> str:
        """16 hex digits that depend on all that decides the content, and on nothing else."""
        return fingerprint([self.kind, MAKERS[self.kind], self.identity(), [link.key for link in self.inputs()]])

    @property
    def name(self) -> str:
        """`<kind>/<key>`."""
        return f"{self.kind}/{self.key}"

    @property
    def directory(self) -> Path:
        """`<root>/<kind>/<key>`. Raises InputError where that is a symbolic link, or its kind's directory is."""
        return owned(self.root, self.kind, self.key)

    @property
    def is_made(self) -> bool:
        """Whether the directory is there; whether it was damaged since is seen where it is used."""
        return self.directory.exists()

    def build(self, directory: Path) -> None:
        """Write the content into an empty directory. Raises InputError where the configuration does not allow it."""
        raise NotImplementedError(f"{self.kind} are made by their own `make`")

    def make(self) -> Path:
        """Return the directory, built on first use. Raises InputError as `build` does, and for a damaged one."""
        return self.checked(build_once(self.directory, self._build))

    def _build(self, directory: Path) -> None:
        self.build(directory)
        self.note_inputs(directory)

    def checked(self, directory: Path) -> Path:
        """Return a directory that is whole. Raises DamageError where it is another artifact's, moved here."""
        file = directory / LINK_FILE
        name = read_json(file).get("name", self.name) if file.is_file() else self.name
        if name != self.name:
            raise DamageError(f"{directory} holds {name}; delete it, and the same command builds it anew")
        return directory

    def note_inputs(self, directory: Path) -> None:
        """Write into `directory` its name and what it is made from, so that nothing that is needed is ever deleted."""
        write_json(directory / LINK_FILE, {"name": self.name, "inputs": sorted({*self.input_names()})})
