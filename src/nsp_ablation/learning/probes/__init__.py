"""Zero-shot probes: what an encoder can do as it is. One file per probe; entry: `probe_inputs.py`."""
