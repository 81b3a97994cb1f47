"""What pre-training and fine-tuning share: encoders, attention, optimizer, resuming, signals, progress, live loggers.

Entries: `architecture/` (which encoders there are), `flat_forward.py`, `resume.py`.
"""
