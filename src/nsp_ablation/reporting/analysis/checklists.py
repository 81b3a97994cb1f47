"""What records answer of the lists that venues ask for: the ACL's (Responsible NLP Research) and NeurIPS' of
reproducibility (Pineau et al. 2021). What no record says is left to the authors, by its question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nsp_ablation.reporting.analysis.cost_facts import devices_of, finetunings_of, hours_text, pretrainings_of
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import setting
from nsp_ablation.reporting.records.record import ResultRecord

Facts = Callable[[Study], str]


@dataclass(frozen=True)
class ChecklistItem:
    """An item: its number on the list, its question, and what the records answer; None where they do not."""

    number: str
    question: str
    answer: str | None


@dataclass(frozen=True)
class Checklist:
    """A list of a venue."""

    title: str
    items: list[ChecklistItem]


def checklists(study: Study) -> list[Checklist]:
    """Return both lists with their answers, none where there is no result."""
    if not _done(study):
        return []
    return [Checklist(title, [_item(study, *one) for one in items]) for title, items in _LISTS.items()]


def _item(study: Study, number: str, question: str, facts: Sequence[Facts]) -> ChecklistItem:
    answer = " ".join(filter(None, (fact(study) for fact in facts)))
    return ChecklistItem(number, question, answer or None)


def _done(study: Study) -> list[ResultRecord]:
    return [record for record in study.records.values() if record.status == "done"]


def _size(study: Study) -> str:
    keys = ("num_layers", "hidden_size", "num_heads")
    configs = [record.config.get("model") or {} for record in _done(study)]
    shapes = {tuple(model[key] for key in keys) for model in configs if all(model.get(key) for key in keys)}
    texts = [f"{layers} layers of {hidden} with {heads} heads" for layers, hidden, heads in sorted(shapes)]
    numbers = sorted({one.parameters for one in pretrainings_of(_done(study)) if one.parameters is not None})
    texts += [f"{number:,} parameters" for number in numbers]
    return f"Encoders: {'; '.join(texts)}." if texts else ""


def _budget(study: Study) -> str:
    encoders, runs = pretrainings_of(_done(study)), finetunings_of(_done(study))
    hours = hours_text(sum(one.seconds for one in encoders) + sum(runs))
    flops = [one.flops for one in encoders if one.flops is not None]
    counted = f" The former took {sum(flops):.3g} FLOPs." if flops and len(flops) == len(encoders) else ""
    return f"{len(encoders)} pre-trainings and {len(runs)} fine-tunings took {hours} hours of training loops.{counted}"


def _infrastructure(study: Study) -> str:
    return f"Devices: {'; '.join(devices_of(_done(study)))}."


def _runtime(study: Study) -> str:
    encoders, runs = pretrainings_of(_done(study)), finetunings_of(_done(study))
    texts = (
        [f"{hours_text(sum(one.seconds for one in encoders) / len(encoders))} hours per pre-training"]
        if encoders
        else []
    )
    texts += [f"{hours_text(sum(runs) / len(runs))} hours per fine-tuning"] if runs else []
    return f"On average {' and '.join(texts)}; energy was not measured." if texts else ""


def _versions(study: Study) -> str:
    origins = [record.provenance for record in _done(study)]
    versions = {f"{name} {version}" for one in origins for name, version in one.versions.items()}
    return f"Python {', '.join(sorted({one.python for one in origins}))}; {', '.join(sorted(versions))}."


def _code(study: Study) -> str:
    commits = sorted({(record.provenance.commit or "no checkout")[:12] for record in _done(study)})
    return f"Code of commit {', '.join(commits)}; commands stand in this appendix, and every record holds its settings."


def _settings(study: Study) -> str:
    return "All hyper-parameters stand in the tables of this appendix, and every key in its last section."


def _selection(study: Study) -> str:
    found = [
        record.finetuning.selection for record in _done(study) if record.finetuning and record.finetuning.selection
    ]
    if not found:
        return "Recipes were given before the runs; none was chosen among several in them."
    number = max(len(one.trials) for one in found)
    where = {"train_tenth": "a hashed tenth of the training examples", "paper": "the development examples"}
    hows = sorted({where.get(one.how, one.how) for one in found})
    chosen = f"Of up to {number} recipes per task and arm the best was chosen on {' and '.join(hows)}"
    return f"{chosen}; all trials are in the records."


def _runs(study: Study) -> str:
    done = _done(study)
    failed = sum(record.status == "failed" for record in study.records.values())
    seeds = sorted({record.pretraining_seed for record in done if record.pretraining_seed is not None})
    text = (
        f"{len(done)} results over the pre-training seeds {', '.join(map(str, seeds))}"
        if seeds
        else f"{len(done)} results"
    )
    return f"{text}; {failed} runs failed, and are shown as failed." if failed else f"{text}; no run failed."


def _statistics(study: Study) -> str:
    kinds = {
        summary.interval
        for pool in study.scores.all_pools()
        if pool.records and (summary := study.matrices.summary(pool, pool.primary_metric or "")) is not None
    }
    over = "pre-training seeds crossed with clusters of examples" if "seeds_examples" in kinds else "examples alone"
    intervals = f"95 % intervals of the mean over {over}" if kinds - {"none"} else "no intervals"
    return f"Tables show medians over pre-training seeds and {intervals}."


def _tests(study: Study) -> str:
    number = len(study.options.comparisons)
    if not number:
        return "No comparison was planned, and nothing is tested."
    plural = "s" if number > 1 else ""
    return f"{number} comparison{plural} planned before the runs, with Holm's correction over all tests."


def _measures(study: Study) -> str:
    return f"Measures: {'; '.join(column.measure for column in study.columns)}."


def _splits(study: Study) -> str:
    found = {record.task: record.num_examples for record in _done(study)}
    texts = [f"{task} {number:,}" for task in study.scores.tasks if (number := found.get(task))]
    return f"Development examples: {', '.join(texts)}."


def _corpora(study: Study) -> str:
    """State corpus, language and what the data cards count of it, each distinct text once."""
    cards = study.cards.values()
    lines = dict.fromkeys(
        f"{line.title} {line.text}" for card in cards for line in card.lines if line.name in ("documents", "held_out")
    )
    configs = [record.config for record in _done(study)]
    names = dict.fromkeys(str(name) for config in configs if (name := setting(config, "corpus.name")))
    languages = dict.fromkeys(str(name) for config in configs if (name := setting(config, "corpus.language")))
    parts = [f"Corpus: {', '.join(names)}"] if names else []
    parts += [f"language {', '.join(languages)}"] if languages else []
    return f"{'; '.join([*parts, *lines])}." if parts or lines else ""


def _left_out(study: Study) -> str:
    """State what the cards count of text that repeats or is read in part."""
    names = ("duplicates", "cut_sentences", "unknown_share")
    cards = study.cards.values()
    lines = dict.fromkeys(f"{line.title} {line.text}" for card in cards for line in card.lines if line.name in names)
    return f"By the data cards: {'; '.join(lines)}." if lines else ""


_NOBODY: tuple[Facts, ...] = ()
_LISTS: dict[str, tuple[tuple[str, str, Sequence[Facts]], ...]] = {
    "Responsible NLP Research checklist (ACL)": (
        ("A1", "Limitations of the work", _NOBODY),
        ("A2", "Potential risks of the work", _NOBODY),
        ("B1", "Creators of artifacts are cited", _NOBODY),
        ("B2", "Licences and terms of use", _NOBODY),
        ("B3", "Use is consistent with what artifacts are intended for", _NOBODY),
        ("B4", "Personal data and offensive content", _NOBODY),
        ("B5", "Documentation: domains, languages", (_corpora,)),
        ("B6", "Statistics of the data, numbers of examples, splits", (_splits, _corpora)),
        ("C1", "Size of models, computational budget, infrastructure", (_size, _budget, _infrastructure)),
        ("C2", "Set-up, search for hyper-parameters, values found", (_settings, _selection)),
        ("C3", "Descriptive statistics of results", (_statistics, _runs, _tests)),
        ("C4", "Packages, their versions and settings", (_versions,)),
        ("D", "Annotators and other people", _NOBODY),
        ("E", "Use of AI assistants", _NOBODY),
    ),
    "Reproducibility checklist (NeurIPS)": (
        ("Data 1", "Relevant statistics, such as numbers of examples", (_splits, _corpora)),
        ("Data 2", "Details of train, validation and test splits", (_splits,)),
        ("Data 3", "Data that were excluded, and pre-processing", (_left_out,)),
        ("Data 4", "Link to a version that can be downloaded", _NOBODY),
        ("Data 5", "Collection of new data and control of their quality", _NOBODY),
        ("Code 1", "Dependencies", (_versions,)),
        ("Code 2", "Code for training and evaluation, and commands for the results", (_code,)),
        ("Code 3", "Pre-trained models", _NOBODY),
        (
            "Results 1",
            "Range of hyper-parameters, how the best were chosen, all that were used",
            (_selection, _settings),
        ),
        ("Results 2", "Exact number of training and evaluation runs", (_budget, _runs)),
        ("Results 3", "Definition of measures and statistics", (_measures, _statistics)),
        ("Results 4", "Central tendency and variation", (_statistics, _tests)),
        ("Results 5", "Average runtime or energy of each result", (_runtime,)),
        ("Results 6", "Computing infrastructure", (_infrastructure,)),
    ),
}
