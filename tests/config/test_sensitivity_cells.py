"""Sensitivity cells of loss_vs_format are overrides of its arms: each changes what it is about and nothing else."""

import pytest

from nsp_ablation.config.combinations import combination_problems
from nsp_ablation.config.identity import encoder_settings
from nsp_ablation.config.tree import leaves

PLACE = ("experiment=loss_vs_format", "scale=laptop", "corpus=jsonl", "corpus.path=a.jsonl", "seed=1")
CELLS = {
    "equal counts": (("pretraining.max_steps=3377",), {"pretraining.max_steps"}),
    "masks": (("masking.probability=0.25",), {"masking.probability"}),
    "start": (
        ("model.lookup_init=false", "model.neighbour_init=false"),
        {"model.lookup_init", "model.neighbour_init"},
    ),
    "token types": (("model.type_vocab_size=1",), {"model.type_vocab_size"}),
    "lengths": (("format.lengths=doc",), {"format.lengths"}),
    "lengths by name": (("condition=full_doc_lengths",), {"format.lengths"}),
    "long inputs": (("max_length=256", "batch.sequences=10"), {"max_length", "batch.sequences"}),
    "weight": (("condition=segment_pair_nsp", "pretraining.pair_loss_weight=0.1"), {"pretraining.pair_loss_weight"}),
    "starts of heads": (
        ("model.pair_head_init_std=0.02", "model.neighbour_value_gain=0.5"),
        {"model.pair_head_init_std", "model.neighbour_value_gain"},
    ),
}


@pytest.fixture(scope="module")
def compose(project_root):
    """compose(words): a configuration, unchecked; a test composes one, and compares it with the arm's."""
    from omegaconf import OmegaConf

    from nsp_ablation.cli.hydra_bridge import make_composer

    composer = make_composer(project_root, None, None, [])
    return lambda words: OmegaConf.to_object(composer.compose(tuple(words)).settings({}))


@pytest.mark.parametrize(("words", "changed"), CELLS.values(), ids=CELLS)
def test_a_sensitivity_cell_differs_from_its_arm_in_what_it_is_about(compose, words, changed):
    arm = next((word for word in words if word.startswith("condition=segment")), "condition=full")
    cell = compose([*PLACE, *([] if words[0].startswith("condition=") else [arm]), *words])
    assert not list(combination_problems(cell))
    before, after = (
        {path: value for path, _, value in leaves(encoder_settings(one))} for one in (compose([*PLACE, arm]), cell)
    )
    assert {key for key in before | after if before.get(key) != after.get(key)} == changed
