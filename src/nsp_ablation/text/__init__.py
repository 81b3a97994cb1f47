"""From text to the token store: corpus, microworld, tokenization, store."""
