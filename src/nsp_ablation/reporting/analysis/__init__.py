"""From records to one `Report` value: pools, intervals, tables, captions. Entry: `make_report.py`."""
