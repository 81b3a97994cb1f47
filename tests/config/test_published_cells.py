"""Every cell that the paper publishes has a command, and that command is the cell."""

import shlex

import pytest

from nsp_ablation.config.problem import ConfigurationError
from nsp_ablation.stages.cost import command, published_cell

SWEEPS = {
    ("experiment=table1_masking", "scale=paper"): {
        None,  # static masks without copies
        "table 1, static ×10",
        "table 1, dynamic; table 2, SEGMENT-PAIR + NSP",
    },
    ("experiment=table2_formats", "scale=paper"): {
        "table 1, dynamic; table 2, SEGMENT-PAIR + NSP",
        "table 2, SENTENCE-PAIR + NSP",
        "table 2, FULL-SENTENCES; table 3, 256",
        "table 2, DOC-SENTENCES",
    },
    ("condition=full", "batch=256,2k,8k", "scale=paper"): {
        "table 2, FULL-SENTENCES; table 3, 256",
        "table 3, 2K",
        "table 3, 8K",
    },
}


@pytest.mark.parametrize("sweep", SWEEPS, ids=" ".join)
def test_each_published_row_is_the_cell_of_one_command(cells, sweep):
    found = cells("-m", *sweep, "trainer.dry_run=true", "trainer.dry_run_device=A100")
    assert {published_cell(cell.config) for cell in found} == SWEEPS[sweep]
    for cell in found[-1:]:
        words = shlex.split(command(cell.overrides))
        assert words[:2] == ["python", "run.py"]
        (alone,) = cells(*words[2:])
        alone.config.trainer.dry_run, alone.config.trainer.dry_run_device = True, "A100"
        assert alone.config == cell.config


@pytest.mark.parametrize("change", ["model=large", "max_length=128", "pretraining.max_steps=1000", "objective=mlm"])
def test_a_change_of_scale_is_no_published_cell(config, change):
    assert published_cell(config("condition=segment_pair_nsp", "scale=paper", change)) is None


@pytest.mark.parametrize("name", ["none", "table1", "table2", "table3"])
def test_a_published_table_is_chosen_by_the_name_of_its_file(config, name):
    assert config(f"report.published={name}").report.published == name


def test_a_published_table_that_does_not_exist_is_refused(config):
    with pytest.raises(ConfigurationError, match="report.published=table9: no such value; did you mean table"):
        config("report.published=table9")
