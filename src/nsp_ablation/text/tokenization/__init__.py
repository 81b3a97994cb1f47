"""Tokenizers: trained, taken over, loaded. Entry: `tokenizer.py`."""
