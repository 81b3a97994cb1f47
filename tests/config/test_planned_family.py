"""At most four planned comparisons, however they are typed: names that stand for several arms of a sweep count each."""

import pytest

from nsp_ablation.config.identity import condition
from nsp_ablation.options.planned_pairs import NARROWING

TWO_ARMS = "-m experiment=table2_formats condition=full,doc"  # of three comparisons one has both of its arms
REFUSED = [
    # (the sweep, the comparison named, how many pairs it stands for, and all together)
    (f"{TWO_ARMS} pretraining.learning_rate=1e-3,2e-3,3e-3 seed=1,2", "{a:full,b:doc}", "3 pairs", "others 5"),
    (
        "-m format=full,doc masking=static,dynamic model.dropout=0,0.1,0.2 report.comparisons=[{a:full,b:doc}]",
        "{a:full,b:doc}",
        "6 pairs of arms, and at most 4",
        "6",
    ),
]
ACCEPTED = (
    "-m format=full,doc masking=static,dynamic model.dropout=0,0.1 report.comparisons=[{a:full,b:doc}]",
    f"{TWO_ARMS} pretraining.learning_rate=1e-3,2e-3 seed=1,2",
    f"{TWO_ARMS} pretraining.learning_rate=1e-3,2e-3,3e-3 report.comparisons=[]",
    f"{TWO_ARMS} pretraining.learning_rate=1e-3,2e-3,3e-3 report.comparisons="
    "[{a:'full@learning_rate=1e-3',b:'doc@learning_rate=1e-3'},{a:'full@learning_rate=2e-3',b:'full@learning_rate=1e-3'}]",
    f"{TWO_ARMS} pretraining.learning_rate=1e-3,2e-3,3e-3 stage=pretrain",  # ends in no report
    "-m experiment=tokenizer seed=1 finetuning.untrained_row=true",  # untrained encoders have tokenizers, too
)


@pytest.mark.parametrize(("sweep", "named", "counted", "together"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_sweep_that_plans_more_than_four_comparisons_is_refused_in_one_line(refused, sweep, named, counted, together):
    (line,) = refused(*sweep.split())
    assert line.startswith(f"report.comparisons={named}: stands for {counted}")
    assert together in line
    assert line.endswith("narrow the names (a:'full@learning_rate=3e-3'), or plan fewer of them")


@pytest.mark.parametrize("sweep", ACCEPTED)
def test_four_comparisons_and_every_remedy_of_more_are_accepted(cells, sweep):
    assert len(cells(*sweep.split())) > 1


def test_what_narrows_a_name_is_a_setting_of_the_condition(refused, config):
    assert sorted(NARROWING) == sorted(condition(config()).keys() - {"name"})
    (line,) = refused("report.comparisons=[{a:'full@learning_rat=3e-3',b:doc}]")
    assert line.startswith("report.comparisons={a:full@learning_rat=3e-3,b:doc}: full@learning_rat=3e-3 is narrowed")
    assert "by learning_rat; did you mean learning_rate?" in line
    assert "NAME@SETTING=VALUE" in line
    for name in ("full@3e-3", "full@batch="):
        (line,) = refused(f"report.comparisons=[{{a:'{name}',b:doc}}]")
        assert "NAME@SETTING=VALUE" in line
