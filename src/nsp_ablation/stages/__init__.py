"""One file for each word of `stage=`, and `cell.py`, which runs them. Entry: `all.py`, the whole experiment."""
