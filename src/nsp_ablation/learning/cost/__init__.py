"""What a cell costs before it runs: parameters, FLOPs and memory. Entry: `training_cost.py`."""
