"""The token store: a corpus as one array of ids, built in shards. Entry: `token_store.py`."""
