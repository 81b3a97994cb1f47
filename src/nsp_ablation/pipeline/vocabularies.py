"""The second link: the tokenizer, trained on the corpus or taken over."""

from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from nsp_ablation.base.fingerprint import files_fingerprint
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.pipeline.chain import Artifact
from nsp_ablation.pipeline.corpora import Corpus
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
        options = self.options
        if self.is_trained:
            held_out = self.corpus.options.heldout_fraction
            settings = [options.name, options.vocab_size, options.lowercase, options.max_train_documents]
            return [*settings, held_out, f"tokenizers {version('tokenizers')}"]
        path = Path(str(options.path))
        if not path.is_dir():
            return ["hub", options.path]
        return files_fingerprint(sorted(file for file in path.iterdir() if file.suffix in {".json", ".txt"}))

    def inputs(self) -> tuple[Artifact, ...]:
        return (self.corpus,) if self.is_trained else ()

    def build(self, directory: Path) -> None:
        options = self.options
        if not self.is_trained:
            assert options.path is not None
            copy_pretrained(options.path, directory)
            return
        assert options.vocab_size is not None
        texts = islice(self.corpus.training_texts(), options.max_train_documents)
        train_tokenizer(options.name, texts, options.vocab_size, options.lowercase, directory)
