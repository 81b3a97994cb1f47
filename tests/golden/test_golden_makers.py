"""A golden value belongs to numbers of makers: a change of it raises one, so that nothing older passes for its work."""

import pytest


def test_golden_values_were_recorded_by_the_makers_of_today(make, golden):
    for name, variant in golden["variants"].items():
        assert variant["makers"] == make.driver.makers(), f"{name}: record it anew (tests/golden/make.py)"


@pytest.mark.parametrize(("old", "new"), [("a", "b"), ([1.0, 2.0], [1.0, 2.1])])
def test_golden_recording_refuses_another_value_by_the_same_makers(make, old, new):
    recorded = {"value": old, "makers": make.driver.makers()}
    with pytest.raises(SystemExit, match="raise the number of its maker"):
        make._put(recorded, "value", new, "variant", make.driver.makers())
    assert recorded["value"] == old
    raised = make.driver.makers() | {"indexes": 99}
    make._put(recorded, "value", new, "variant", raised)
    assert recorded["value"] == new
