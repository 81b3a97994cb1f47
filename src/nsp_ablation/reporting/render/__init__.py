"""Outputs, each a pure function of the `Report`. Entry: `outputs.py`, which lists them."""
