"""Finished runs on dashboards. Entry: `finished_run.py`, `report_run.py`."""
