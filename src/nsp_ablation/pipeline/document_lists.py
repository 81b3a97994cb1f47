"""The list of a corpus' documents: written for other readers, and held against the corpus that they rebuilt."""

from pathlib import Path

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.leftovers import temporary_file
from nsp_ablation.base.owned_paths import make_directory
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.text.corpus.document_list import compare_with_list, listed, write_document_list
from nsp_ablation.text.corpus.source import read_documents


def write_list(corpus: Corpus, path: Path) -> None:
    """Write `inspect.documents`: every document that is read, of all parts. Raises InputError as the readers do."""
    number = write_document_list(path, map(listed, read_documents(corpus.source())))
    say("inspect", f"{number:,} documents ({path.stat().st_size / 1e6:.2f} MB) -> {path}")


def check_list(corpus: Corpus, path: Path) -> None:
    """Hold the corpus against a list (`inspect.documents_as`) and say that it is the one.

    Raises InputError where it is not, naming what is missing, extra and different, and as the readers do.
    """
    documents = map(listed, read_documents(corpus.source()))
    with temporary_file(make_directory(corpus.root) / "documents.sqlite") as scratch:
        found = compare_with_list(path, documents, scratch)
    if not found.is_equal:
        raise InputError(
            f"inspect.documents_as={path}: of {found.num_listed:,} documents that it lists and {found.num_found:,} of "
            f"the corpus, {found.text()}; give corpus.path the files that were listed, read by the same settings"
        )
    say("inspect", f"{found.num_found:,} documents, all of them as {path} lists them")
