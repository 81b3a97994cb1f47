"""The second link: the tokenizer, trained on the corpus or taken over."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import Any

from nsp_ablation.base.fingerprint import files_fingerprint
from nsp_ablation.base.process import heavy_imports
from nsp_ablation.config.identity import tokenizer_settings
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.text.corpus.document import blocks_of
from nsp_ablation.text.tokenization.tokenizer import copy_pretrained, train_tokenizer


@dataclass(frozen=True, eq=False)
class Vocabulary(Artifact):
    """The tokenizer's directory."""

    kind = "tokenizers"
    options: TokenizerOptions
    corpus: Corpus

    @property
    def is_trained(self) -> bool:
        """Whether it is trained on the corpus, which then decides it."""
        return self.options.name != "pretrained"

    def identity(self) -> Any:
        settings = tokenizer_settings(self.options, self.corpus.options)
        if self.is_trained:
            return [settings, f"tokenizers {version('tokenizers')}"]
        path = Path(str(self.options.path))
        if not path.is_dir():
            return [settings, "hub", self.options.path]
        return [settings, files_fingerprint(sorted(f for f in path.iterdir() if f.suffix in {".json", ".txt"}))]

    def inputs(self) -> tuple[Artifact, ...]:
        return (self.corpus,) if self.is_trained else ()

    def build(self, directory: Path) -> None:
        options = self.options
        if not self.is_trained:
            assert options.path is not None
            copy_pretrained(options.path, directory)
            self._compare(directory, ())
            return
        texts = islice(self.corpus.training_texts(), options.max_train_documents)
        train_tokenizer(options, chain.from_iterable(map(blocks_of, texts)), directory)

    def check_texts(self, texts: Iterable[str]) -> None:
        """Refuse a tokenizer that was taken over and reads these texts in two ways. Raises InputError."""
        if not self.is_trained:
            self._compare(self.make(), texts)

    def _compare(self, directory: Path, texts: Iterable[str]) -> None:
        with heavy_imports():
            from nsp_ablation.pipeline.tokenizer_checks import check_directory

        check_directory(directory, "tokenizer.path", str(self.options.path), texts)
