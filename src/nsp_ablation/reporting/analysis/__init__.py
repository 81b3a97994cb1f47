"""From records to one `Report` value: pools, statistics, tables, captions. Entry: `make_report.py`."""
