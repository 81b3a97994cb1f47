"""The chain of artifacts, Corpus -> Tokenizer -> Stores -> Feed -> Encoder -> Result, a file per link. Entry: `chain.py`."""
