"""Corpora: readers, documents, sentences. Entry: `source.py`."""
