"""What every package stands on: fingerprints, artifact directories, counter-based randomness. Entry: `artifact.py`."""
