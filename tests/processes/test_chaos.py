"""Killed at any moment and typed again: every result is, to the byte, that of a run that nobody disturbed."""

import os
import random

import pytest

INSTANTS = int(os.environ.get("CHAOS_INSTANTS", "5"))  # `make chaos`: 20
SEED = int(os.environ.get("CHAOS_SEED", "0"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_random_instants(command, same, uninterrupted, sweep_arguments):
    """Instants are uniform over the length of a whole run, so they fall into preparation and both trainings."""
    expected, seconds = uninterrupted
    draw = random.Random(SEED)
    folder = 0
    killed = command(f"killed{folder}", *sweep_arguments)
    for _ in range(INSTANTS):
        if not killed.killed_after(draw.uniform(0.1, seconds)):  # it was through before
            same(killed.outputs(), expected)
            folder += 1
            killed = command(f"killed{folder}", *sweep_arguments)
    assert killed.run() == 0, "\n".join(killed.lines)
    same(killed.outputs(), expected)
