"""The chain of artifacts: Corpus -> Tokenizer -> Stores -> Feed -> Encoder -> Result. Entry: `chain.py`."""
