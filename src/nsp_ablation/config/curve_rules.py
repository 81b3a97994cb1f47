"""Settings of learning curves that do not go together, or measure nothing."""

from collections.abc import Iterator

from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config
from nsp_ablation.options.task_options import TASK_KINDS


def curve_problems(config: Config) -> Iterator[Problem]:
    """Yield each problem of `pretraining.evaluate_at`: what it shows is measured on held-out documents."""
    asked, kinds = config.pretraining.evaluate_at, [TASK_KINDS[task.kind] for task in config.tasks.values()]
    if asked and config.corpus.heldout_fraction == 0:
        reason = "measures on held-out documents, and corpus.heldout_fraction=0 holds none out; raise it"
        yield Problem("pretraining.evaluate_at", asked, reason)
    elif asked and config.pretraining.heldout_tokens == 0 and not any(facts.reads == "heldout" for facts in kinds):
        remedy = "raise pretraining.heldout_tokens, or add a probe of held-out documents to tasks"
        yield Problem("pretraining.evaluate_at", asked, f"has nothing to measure; {remedy}")
