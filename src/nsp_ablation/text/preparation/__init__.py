"""The preparation as tasks of an engine (datatrove), a shard each. Entry: `prepare_in_tasks.py`."""
