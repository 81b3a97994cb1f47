"""The data card: what it says of a corpus, what it refuses, and that its remedies work."""

import copy
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.config.problem import refuse
from nsp_ablation.config.values import value_problems
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.pipeline.cards import Card, CheckError, keep_cards
from nsp_ablation.pipeline.encoders import trained_encoder
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.reporting.records.data_card import VERDICTS, read_card
from nsp_ablation.stages import all as all_stages
from nsp_ablation.stages import inspect, pretrain
from nsp_ablation.stages.cell import CellRun, results_folder

NAMES, PLACES, THINGS = (
    ("Anna", "Ben", "Clara", "Dora"),
    ("Rome", "Oslo", "Bonn"),
    ("boat", "cat", "lamp", "drum", "hat"),
)


def sentence(number):
    return (
        f"{NAMES[number % 4]} saw the {THINGS[number % 5]} of {NAMES[number // 4 % 4]} near {PLACES[number // 16 % 3]}."
    )


def write_jsonl(path, documents):
    path.write_text("".join(json.dumps({"text": " ".join(map(sentence, document))}) + "\n" for document in documents))


@pytest.fixture
def corpus(tmp_path):
    """corpus([[0, 1], [2]]): write documents of numbered sentences and return the path."""

    def write(documents):
        path = tmp_path / f"corpus{len(list(tmp_path.glob('corpus*')))}.jsonl"
        write_jsonl(path, documents)
        return path

    return write


@pytest.fixture(scope="module")
def composed(planned, tmp_path_factory):
    """A configuration by its format, with four tasks; no corpus is there yet."""
    directory = tmp_path_factory.mktemp("none")
    (directory / "corpus.jsonl").write_text("{}")
    words = (
        *("-m", f"format={','.join(FORMATS)}", "scale=smoke", "corpus=jsonl", f"corpus.path={directory}/corpus.jsonl"),
        *("tokenizer.vocab_size=280", "max_length=48", "stage=pretrain"),
        "tasks=[in_context_recall,context_gain,sst2,blimp]",
    )
    return {cell.config.format.name: cell.config for cell in planned(*words)}


@pytest.fixture
def card_of(composed, tmp_path):
    """card_of(path, "format=doc", "seed=2", tasks=["sst2"]): the card of a file, by settings changed one by one."""

    def make(path, *changes, tasks=()):
        (name,) = [change.removeprefix("format=") for change in changes if change.startswith("format=")] or ["full"]
        config = copy.deepcopy(composed[name])
        config.corpus.path, config.paths.artifacts = str(path), str(tmp_path / "artifacts")
        config.paths.results, config.finetuning.untrained_row = str(tmp_path / "results"), False
        config.tasks = {name: config.tasks[name] for name in tasks}
        for change in changes:
            key, _, value = change.partition("=")
            *groups, last = f"{key}.name".split(".") if key in ("format", "tokenizer") else key.split(".")
            owner = config
            for group in groups:
                owner = owner[group] if isinstance(owner, dict) else getattr(owner, group)
            setattr(owner, last, yaml.safe_load(value))
        refuse(value_problems("", dataclasses.asdict(config)))
        feed = feed_of(config)
        return Card(config, feed, tasks_of(config, feed.stores.corpus))

    return make


def lines_of(card):
    return {line.name: line for line in card.lines}


LONG = [[7 * document + number for number in range(6)] for document in range(60)]
LONE = [[number] for number in range(90)]
RECALL = ["in_context_recall"]


def test_a_card_counts_what_the_corpus_holds(corpus, card_of):
    documents = [*LONG[:20], LONG[0], [3], [5]]
    card = card_of(corpus(documents), "corpus.heldout_fraction=0.1").make()
    lines = lines_of(card)
    held = lines["held_out"].value
    assert lines["documents"].value + held["documents"] == len(documents)
    assert lines["sentences_per_document"].value["total"] + held["sentences"] == sum(map(len, documents))
    assert lines["duplicates"].value["documents"] + held["in_training"] <= 1
    assert lines["sentences_per_document"].value["median"] == 6
    assert lines["sentences_per_document"].value["deciles"][0] in (1, 6)
    assert lines["tokens_per_document"].value["deciles"] == sorted(lines["tokens_per_document"].value["deciles"])
    assert lines["unknown_share"].value == {"tokens": 0, "share": 0.0}
    assert {line.verdict for line in card.lines} <= set(VERDICTS)


def test_sizes_are_those_of_the_inputs_and_whole_updates_of_the_first_epoch(corpus, card_of):
    documents = [[7 * document + number for number in range(3 + document % 9)] for document in range(60)]
    for name in ("doc", "segment_pair"):
        card = card_of(corpus(documents), f"format={name}", "pretraining.max_steps=7", "batch.sequences=4")
        plan, lines = card.feed.plan(), lines_of(card.make())
        lengths = plan.index_of(1).lengths()
        updates, epochs = [], {1}
        while epochs == {1}:
            samples, read = plan.update(len(updates))
            epochs = set(read.tolist())
            updates.append(int(sum(plan.index_of(e).lengths()[s] for s, e in zip(samples, read, strict=True))))
        updates.pop()  # the one that reads on into the second epoch
        for line, numbers, counted in (
            (lines["input_lengths"].value, lengths, "inputs"),
            (lines["update_sizes"].value, np.array(updates), "updates"),
        ):
            assert (line[counted], line["least"], line["most"]) == (len(numbers), numbers.min(), numbers.max())
            assert line["mean"] == pytest.approx(float(numbers.mean()))
            assert sum(line["counts"]) == len(numbers)
            assert len(line["edges"]) == len(line["counts"]) + 1 <= 34
            for left, right, count in zip(line["edges"], line["edges"][1:], line["counts"], strict=False):
                assert count == ((numbers >= left) & (numbers < right)).sum()
        assert lines["update_sizes"].value["updates"] > 7
        longer = card_of(card.config.corpus.path, f"format={name}", "pretraining.max_steps=9", "batch.sequences=4")
        assert longer.key == card.key
        assert longer.make() == card.make()


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_one_sentence_a_row_is_refused_for_pairs_before_the_first_update(corpus, card_of, name):
    with pytest.raises(CheckError) as refused:
        card_of(corpus(LONE), f"format={name}").check(None)
    few, labels = refused.value.lines
    assert few.startswith("checks.min_sentences_per_document=2: the median document has 1 sentence;")
    assert "format=full or doc" in few
    assert labels.startswith("checks.max_label_share=0.9: the pairs' labels are 100 % random of ")


def test_each_remedy_of_short_documents_works(corpus, card_of):
    path = corpus(LONE)
    bounds = ("checks.min_sentences_per_document=1", "checks.max_label_share=1")
    for words in (
        ("format=full",),
        ("format=doc",),
        ("format=segment_pair", *bounds),
        ("format=segment_pair", "objective=mlm", bounds[0]),
        ("format=segment_pair", "checks.on_fail=warn"),
    ):
        card_of(path, *words).check(None)


@pytest.mark.parametrize("name", ["full", "doc"])
def test_short_documents_are_doubtful_in_every_format_and_reader(corpus, card_of, name, capsys):
    card_of(corpus(LONE), f"format={name}").check(None)
    assert "warning: the median document has 1 sentence; if rows are parts" in capsys.readouterr().out


def test_labels_are_checked_where_the_objective_has_a_loss_on_them_alone(corpus, card_of):
    path = corpus(LONG)
    names = {
        objective: set(lines_of(card_of(path, "format=segment_pair", f"objective={objective}").make()))
        for objective in ("mlm", "mlm_nsp", "mlm_sop")
    }
    assert [objective for objective, found in names.items() if "label_share" in found] == ["mlm_nsp", "mlm_sop"]
    assert "label_share" not in lines_of(card_of(path, "format=full").make())


def test_text_lost_to_unk_is_refused_and_each_remedy_works(tmp_path, card_of):
    path = tmp_path / "greek.jsonl"
    signs = [chr(0x1200 + number) for number in range(60)]
    rows = [f"{sentence(number)} {signs[number]} {signs[-number]} {sentence(number + 1)}" for number in range(60)]
    path.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    words = ("tokenizer=wordpiece", "tokenizer.vocab_size=90", "tokenizer.max_alphabet=38")
    with pytest.raises(
        CheckError, match=r"checks.max_unknown_share=0.02: .* are \[UNK\]; take tokenizer=bbpe"
    ) as refused:
        card_of(path, *words).check(None)
    (line,) = refused.value.lines
    card_of(path, *words, line.split("set ")[-1]).check(None)
    card_of(path).check(None)


def test_a_probe_without_held_out_documents_is_refused_with_a_fraction_that_works(corpus, card_of):
    path, words = corpus(LONG[:12]), ("tasks.in_context_recall.num_frequent=0",)
    with pytest.raises(CheckError) as refused:
        card_of(path, *words, "corpus.heldout_fraction=0.0001", tasks=RECALL).check(None)
    (line,) = refused.value.lines
    assert line.startswith(
        "corpus.heldout_fraction=0.0001: holds out none of 12 documents, and in_context_recall reads"
    )
    card = card_of(path, *words, line.split("; ")[1].split(" holds")[0], tasks=RECALL).make()
    assert lines_of(card)["held_out"].value["documents"] >= 2
    assert lines_of(card)["examples.in_context_recall"].verdict == "ok"


@pytest.mark.parametrize(
    ("probe", "words", "reason"),
    [
        (
            "in_context_recall",
            ("tasks.in_context_recall.num_frequent=280",),
            "no word stands twice in a held-out",
        ),
        ("context_gain", ("tasks.context_gain.min_sentence_tokens=60",), "no held-out sentence has text before it"),
    ],
)
def test_a_probe_that_would_find_no_example_is_refused(corpus, card_of, probe, words, reason):
    with pytest.raises(CheckError, match=f"tasks.{probe}: {reason}"):
        card_of(corpus(LONG), "corpus.heldout_fraction=0.2", *words, tasks=[probe]).check(None)


def test_a_pair_that_no_input_holds_is_refused_before_training(corpus, card_of, tmp_path):
    names = "UID", "pairID", "sentence_good", "sentence_bad", "linguistics_term"
    (tmp_path / "blimp").mkdir()
    row = dict(zip(names, ("x", "0", sentence(1) * 9, sentence(2), "y"), strict=True))
    (tmp_path / "blimp" / "x.jsonl").write_text(json.dumps(row))
    with pytest.raises(CheckError, match=r"tasks.blimp: a sentence of pair x-0 has \d+ tokens"):
        card_of(corpus(LONG), f"tasks.blimp.path={tmp_path}/blimp", tasks=["blimp"]).check(None)


def test_nothing_is_trained_where_the_card_refuses(corpus, card_of, monkeypatch):
    config = card_of(corpus(LONE), "format=segment_pair").config
    monkeypatch.setattr("nsp_ablation.pipeline.encoders.TrainedEncoder.build", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(CheckError):
        pretrain.run(CellRun(config, [], []))
    assert not trained_encoder(config).is_made


def test_a_cell_with_a_probe_in_vain_ends_before_its_training_and_keeps_the_card(corpus, card_of, monkeypatch):
    config = card_of(corpus(LONG), "corpus.heldout_fraction=0.0001", tasks=RECALL).config
    monkeypatch.setattr("nsp_ablation.pipeline.encoders.TrainedEncoder.build", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(CheckError, match="holds out none of 60"):
        all_stages.run(CellRun(config, [], []))
    (kept,) = (results_folder(config) / "cards").glob("*.json")
    (made,) = (Path(config.paths.artifacts) / "cards").glob("*.json")
    assert kept.read_bytes() == made.read_bytes()
    refused = [line.name for line in read_card(kept).lines if line.verdict == "refused"]
    assert refused == ["examples.in_context_recall"]


def test_an_untrained_encoder_is_not_fine_tuned_beside_a_probe_in_vain(corpus, card_of):
    config = card_of(corpus(LONG), "corpus.heldout_fraction=0.0001", "encoder=random", tasks=RECALL).config
    with pytest.raises(InputError, match="holds out none of 60"):
        all_stages.run(CellRun(config, [], []))


def test_bounds_change_the_verdict_and_not_the_key(corpus, card_of):
    path = corpus(LONG)
    first, second = card_of(path), card_of(path, "checks.min_sentences_per_document=7")
    assert first.key == second.key
    assert lines_of(first.make())["sentences_per_document"].verdict == "ok"
    assert lines_of(second.make())["sentences_per_document"].verdict == "refused"
    assert lines_of(read_card(second.path))["sentences_per_document"].bound == 7
    assert lines_of(first.make())["sentences_per_document"].verdict == "ok"


def test_seeds_formats_and_tasks_have_cards_of_their_own(corpus, card_of):
    path = corpus(LONG)
    made = [
        card_of(path, *words, tasks=tasks).key
        for words, tasks in (((), ()), (("seed=2",), ()), (("format=doc",), ()), ((), RECALL))
    ]
    assert len(set(made)) == 4


def test_a_card_that_is_there_is_read_and_not_measured_again(corpus, card_of, monkeypatch):
    card = card_of(corpus(LONG))
    made = card.make()
    monkeypatch.setattr(Card, "_measured", lambda self: pytest.fail("it was measured"))
    assert card.make() == made


def test_an_edited_card_is_refused_by_name_and_made_anew_once_it_is_deleted(corpus, card_of):
    card = card_of(corpus(LONG))
    made = card.make()
    data = read_json(card.path)
    data["lines"][0]["value"] += 1
    card.path.write_text(json.dumps(data))
    with pytest.raises(DamageError, match=f"{card.path} is not what was written .*; delete it"):
        card.make()
    card.path.unlink()
    assert card.make() == made


def test_overlaps_with_the_corpus_are_those_of_copied_contexts(corpus, card_of, tmp_path):
    """Contexts: one of the corpus' documents, one of its halves in another order, one that is too short."""
    (tmp_path / "sst2").mkdir()
    copied, foreign = (
        " ".join(map(sentence, LONG[30])),
        "A drum is a hat and a lamp and a boat and a cat in Rome or Oslo now",
    )
    rows = [(copied, 1), (foreign, 0), ("so it is", 1)]
    for split in ("train", "dev"):
        body = "".join(f"{text}\t{label}\n" for text, label in rows)
        (tmp_path / "sst2" / f"{split}.tsv").write_text(f"sentence\tlabel\n{body}")
    words = ("corpus.heldout_fraction=0", f"tasks.sst2.path={tmp_path}/sst2")
    card = card_of(corpus(LONG), *words, tasks=["sst2"]).make()
    value = lines_of(card)["overlap.sst2"].value
    assert (value["contexts"], value["short_contexts"], value["shared_contexts"]) == (3, 1, 1)
    assert 0 < value["shared_ngrams"] < value["ngrams"]
    other = tmp_path / "other.jsonl"
    backwards = [" ".join(sentence(number).split()[::-1]) for number in range(60)]
    other.write_text("".join(json.dumps({"text": f"{text} {text}"}) + "\n" for text in backwards))
    without = card_of(other, *words, tasks=["sst2"]).make()
    assert lines_of(without)["overlap.sst2"].value["shared_contexts"] == 0


def test_cut_sentences_are_counted_in_every_format(corpus, card_of):
    documents = [[number, number + 1] for number in range(40)]
    path = corpus(documents)
    found = {}
    for name in ("full", "doc", "sentence_pair", "segment_pair"):
        value = lines_of(card_of(path, f"format={name}", "max_length=12").make())["cut_sentences"].value
        found[name] = value["sentences"]
        assert 0 < value["share"] <= 1
    assert found["full"] == found["doc"]  # every sentence is longer than an input of ten
    whole = lines_of(card_of(path, "format=sentence_pair", "max_length=128").make())["cut_sentences"].value
    assert whole == {"sentences": 0, "share": 0.0, "tokens_left_out": 0}


def test_a_card_that_was_lost_in_the_results_is_copied_from_the_artifacts(corpus, card_of):
    card = card_of(corpus(LONG))
    card.make()
    encoder, results = trained_encoder(card.config), Path(card.config.paths.results)
    keep_cards([encoder], [], results)
    assert (results / "cards" / f"{card.key}.json").read_bytes() == card.path.read_bytes()


def test_inspection_prints_the_card_and_refuses_nothing(corpus, card_of, capsys):
    card = card_of(corpus(LONE), "format=segment_pair")
    inspect.run(CellRun(card.config, [], []))
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["refused", "pair", "labels"] in [words[:3] for words in printed]
