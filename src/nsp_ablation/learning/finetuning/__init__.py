"""An encoder with a new head, trained on a task and scored on its development set.

One file per kind of task (`span_head.py`, `class_head.py` for two), each a `HeadKind`. Entry:
`finetuning_fit.py`.
"""
