"""The tree of settings and what may stand in it: schema, types, combinations, paths, and what identifies a result.

Entry: `schema.py`, `combinations.py`.
"""
