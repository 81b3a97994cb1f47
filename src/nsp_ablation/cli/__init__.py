"""The command line, the only package that imports Hydra: what is typed becomes checked cells, which are run.

Entry: `main.py`.
"""
