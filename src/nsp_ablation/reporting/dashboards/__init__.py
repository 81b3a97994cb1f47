"""The report on wandb. Entry: `wandb_table.py`."""
