"""What a cell costs before it runs: parameters, FLOPs, memory and the peak of GPUs. Entry: `flops.py`."""
