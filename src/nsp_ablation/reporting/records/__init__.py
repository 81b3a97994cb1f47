"""Result records and the manifest of a sweep, on disk. Entries: `record_folder.py`, `manifest.py`."""
