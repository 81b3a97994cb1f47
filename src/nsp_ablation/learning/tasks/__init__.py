"""Downstream tasks without an encoder: read examples, make token ids of them, score answers, measure baselines.

One file per kind of task (`span_qa.py`, `classification.py`, `multiple_choice.py`), each a `TaskKind`; torch is never
loaded. Entry: `task_kind.py`.
"""
