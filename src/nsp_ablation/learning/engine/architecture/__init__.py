"""Encoders of `transformers`, one file per architecture with everything in which it differs.

Entry: `architecture.py`. To add one, write its file here and its line in `options/model_options.py`.
"""
