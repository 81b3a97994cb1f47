"""The chain of artifacts: Corpus -> Tokenizer -> Stores -> Feed -> Encoder -> Result, a file each. Entry: `chain.py`."""
