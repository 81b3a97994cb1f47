"""The embedded default: documents and task files made by a seeded generator. Entry: `world_documents.py`."""
