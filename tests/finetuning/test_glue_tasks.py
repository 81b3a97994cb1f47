"""Every GLUE task is a YAML: its publishers' files with their quirks, and official metrics in cases worked by hand."""

import random
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

from nsp_ablation.learning.tasks.examples import RatedExample, TextExample
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.task_kind import read_task, task_kind
from nsp_ablation.options.task_facts import TaskHubOptions
from nsp_ablation.options.task_options import TaskOptions

CONF = Path(__file__).parents[2] / "conf/tasks"

# Files as GLUE's download has them (dev.tsv but for MNLI), and the examples in them, (id, texts, label as in the file).
FILES = {
    "cola": (
        'gj04\t1\t\tThe sailors rode the breeze clear of the "rocks.\ngj04\t0\t*\tThey made him be.\n',
        [
            ("0", ('The sailors rode the breeze clear of the "rocks.',), "1"),
            ("1", ("They made him be.",), "0"),
        ],
    ),
    "sst2": ("sentence\tlabel\nit 's a charming film . \t1\n", [("0", ("it 's a charming film . ",), "1")]),
    "mrpc": (  # Microsoft's files begin with a byte order mark and name columns with a number sign
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
        '1\t1355540\t1355592\tHe said the "problem\tThe foodservice pie is good .\r\n0\t2\t3\tA .\tB .\r\n',
        [("0", ('He said the "problem', "The foodservice pie is good ."), "1"), ("1", ("A .", "B ."), "0")],
    ),
    "qqp": (  # rows without a second question or label stand among the others
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
        '0\t1\t2\tHow do I "read?\tHow can I read?\t1\n1\t3\t4\tWhat is\n2\t5\t6\tWhy?\tWho?\t0\n3\t7\t8\tA?\tB?\t0\n',
        [
            ("0", ('How do I "read?', "How can I read?"), "1"),
            ("2", ("Why?", "Who?"), "0"),
            ("3", ("A?", "B?"), "0"),
        ],
    ),
    "stsb": (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tmain-captions\tMSRvid\t2012test\t0000\tnone\tnone\tA man eats.\tA man eats food.\t4.200\n"
        "1\tmain-news\tx\t2013\t5\tnone\tnone\tA\t\tB\t0.0\n"
        '2\tmain-news\tx\t2013\t5\tnone\tnone\tA "b\tB\t0.0\n3\tmain-news\tx\t2013\t5\tnone\tnone\tA\tB\t5\n',
        [("0", ("A man eats.", "A man eats food."), 4.2), ("2", ('A "b', "B"), 0.0), ("3", ("A", "B"), 5.0)],
    ),
    "mnli": (
        "index\tpromptID\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label\n0\t1\tA\tB\tneutral\tneutral\tneutral\n"
        "1\t2\tC\tD\tneutral\tentailment\t-\n",
        [("0", ("A", "B"), "neutral")],
    ),
    "qnli": (
        'index\tquestion\tsentence\tlabel\n0\tWho "was?\tIt was "Ann.\tentailment\n1\tWho?\tNo.\tnot_entailment\n',
        [("0", ('Who "was?', 'It was "Ann.'), "entailment"), ("1", ("Who?", "No."), "not_entailment")],
    ),
    "rte": (
        "index\tsentence1\tsentence2\tlabel\n0\tDana died.\tDana is dead.\tentailment\n",
        [("0", ("Dana died.", "Dana is dead."), "entailment")],
    ),
    "wnli": (
        "index\tsentence1\tsentence2\tlabel\n0\tThe drain is clogged with hair.\tThe hair has to be cleaned.\t0\n",
        [("0", ("The drain is clogged with hair.", "The hair has to be cleaned."), "0")],
    ),
}
FILES["mnli_mismatched"] = FILES["mnli"]
# The columns of nyu-mll/glue.
HUB = {
    "cola": ({"sentence": "A"}, ["unacceptable", "acceptable"]),
    "sst2": ({"sentence": "A"}, ["negative", "positive"]),
    "mrpc": ({"sentence1": "A", "sentence2": "B"}, ["not_equivalent", "equivalent"]),
    "qqp": ({"question1": "A", "question2": "B"}, ["not_duplicate", "duplicate"]),
    "stsb": ({"sentence1": "A", "sentence2": "B"}, None),
    "mnli": ({"premise": "A", "hypothesis": "B"}, ["entailment", "neutral", "contradiction"]),
    "mnli_mismatched": ({"premise": "A", "hypothesis": "B"}, ["entailment", "neutral", "contradiction"]),
    "qnli": ({"question": "A", "sentence": "B"}, ["entailment", "not_entailment"]),
    "rte": ({"sentence1": "A", "sentence2": "B"}, ["entailment", "not_entailment"]),
    "wnli": ({"sentence1": "A", "sentence2": "B"}, ["not_entailment", "entailment"]),
}
PRIMARY = dict.fromkeys(HUB, "accuracy") | {"cola": "matthews", "mrpc": "f1", "qqp": "f1", "stsb": "spearman"}
BESIDE = {"mrpc": {"accuracy"}, "qqp": {"accuracy"}, "cola": {"accuracy"}, "stsb": {"pearson"}}


def options_of(name: str, path=None) -> TaskOptions:
    """A task as its YAML declares it."""
    settings = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    hub = TaskHubOptions(**settings.pop("hub"))
    return TaskOptions(**settings, hub=hub, path=None if path is None else str(path))


@pytest.mark.parametrize("name", FILES)
def test_a_glue_task_reads_its_publishers_file(tmp_path, name):
    content, expected = FILES[name]
    task = options_of(name, tmp_path)
    (tmp_path / str(task.dev_file)).write_bytes(content.encode())
    left_out = LeftOut()
    examples = read_task(task, "dev", left_out)
    labels = [task.labels[example.label] if task.labels else example.label for example in examples]
    read = zip([e.id for e in examples], [e.texts for e in examples], labels, strict=True)
    assert list(read) == expected
    assert len(left_out.lines()) == (name in ("qqp", "stsb", "mnli", "mnli_mismatched"))


class Rows(list):
    """Rows as `datasets` gives them."""

    def __init__(self, rows, names):
        super().__init__(rows)
        self.column_names = [*rows[0]]
        self.features = {"label": type("ClassLabel", (), {"names": names}) if names else object()}


@pytest.mark.parametrize("name", HUB)
def test_a_glue_task_reads_the_hubs_columns(name):
    columns, names = HUB[name]
    task = options_of(name)
    labels = range(len(names)) if names else (0.0, 2.5, 5.0)
    rows = Rows([columns | {"label": label, "idx": n} for n, label in enumerate([*labels, -1])], names)
    examples = task_kind(task).read_rows(rows, task, LeftOut())
    assert [example.texts for example in examples] == [tuple(columns.values())] * len(labels)
    assert [example.label for example in examples] == list(labels)


@pytest.mark.parametrize("name", HUB)
def test_a_glue_task_is_judged_by_its_official_metric(name):
    task = options_of(name)
    assert task.metric == PRIMARY[name]
    number = max(2, len(task.labels))
    kind = RatedExample if name == "stsb" else TextExample
    examples = [kind(str(n), ("a", "b"), n % number) for n in range(6)]
    outcome = task_kind(task).score(examples, [n // 2 % number for n in range(6)], task)
    assert set(outcome.metrics) == {task.metric} | BESIDE.get(name, set())


def cases(num_classes):
    draw = random.Random(num_classes)
    for size in (2, 5, 40):
        for _ in range(20):
            yield tuple([draw.randrange(num_classes) for _ in range(size)] for _ in range(2))


def text_examples(labels):
    return [TextExample(str(n), ("x",), label) for n, label in enumerate(labels)]


def test_f1_is_that_of_the_second_class():
    task = options_of("mrpc")
    # told 1: examples 0, 1, 2; labelled 1: 0, 1, 3, 4: precision 2/3, recall 2/4
    outcome = task_kind(task).score(text_examples([1, 1, 0, 1, 1, 0]), [1, 1, 1, 0, 0, 0], task)
    assert outcome.metrics == {"f1": pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5)), "accuracy": 0.5}
    assert task_kind(task).score(text_examples([0, 0]), [0, 0], task).metrics == {"f1": 0.0, "accuracy": 1.0}


def test_matthews_is_that_of_the_confusion_matrix():
    task = options_of("cola")
    for told, labels in cases(2):
        counts = np.zeros((2, 2))
        for pair in zip(labels, told, strict=True):
            counts[pair] += 1
        (tn, fp), (fn, tp) = counts
        root = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        expected = (tp * tn - fp * fn) / root if root else 0.0
        found = task_kind(task).score(text_examples(labels), told, task).metrics["matthews"]
        assert found == pytest.approx(expected, abs=1e-12)


def test_correlations_are_scipys():
    task, draw = options_of("stsb"), random.Random(0)
    for size in (3, 10, 50):
        labels = [draw.choice((0.0, 1.5, 2.0, 5.0)) for _ in range(size - 2)] + [0.0, 5.0]
        told = [draw.choice((draw.random(), 0.5)) for _ in range(size - 2)] + [0.0, 9.0]
        examples = [RatedExample(str(n), ("x", "y"), label) for n, label in enumerate(labels)]
        outcome = task_kind(task).score(examples, told, task)
        expected = {"pearson": stats.pearsonr(told, labels)[0], "spearman": stats.spearmanr(told, labels)[0]}
        assert outcome.metrics == pytest.approx(expected)
        assert outcome.predictions == {str(n): value for n, value in enumerate(told)}


@pytest.mark.parametrize("name", ["cola", "mrpc", "stsb", "mnli", "rte"])
def test_the_scores_of_examples_have_the_metric_for_their_mean(name):
    for metric in ("matthews", "accuracy") if name == "mnli" else (options_of(name).metric, "pearson"):
        task = options_of(name)
        if metric in (task.metric, "matthews") or name == "stsb":
            task.metric = metric
        for told, labels in cases(max(2, len(task.labels))):
            if name == "stsb":
                told, labels = ([*values, 0, 3] for values in (told, labels))
                examples = [RatedExample(str(n), ("x", "y"), label) for n, label in enumerate(labels)]
            else:
                examples = text_examples(labels)
            outcome = task_kind(task).score(examples, told, task)
            assert outcome.scores.mean() == pytest.approx(outcome.metrics[task.metric], abs=1e-12)
            assert len(outcome.scores) == len(examples)


def test_nothing_correlates_with_a_constant():
    task = options_of("stsb")
    examples = [RatedExample(str(n), ("x", "y"), float(n)) for n in range(3)]
    with pytest.raises(ValueError, match="tasks.stsb: all predictions are 0.1, .* fine-tune longer"):
        task_kind(task).score(examples, [0.1, 0.1, 0.1], task)
    with pytest.raises(ValueError, match="tasks.stsb: all labels are 0, .* take other files"):
        task_kind(task).score([examples[0]] * 2, [0.1, 0.2], task)


@pytest.mark.parametrize("label", ["x", "nan", "-0.1", "5.01", "inf"])
def test_a_label_that_is_no_number_of_the_scale_is_refused(tmp_path, label):
    (tmp_path / "dev.tsv").write_text(f"sentence1\tsentence2\tscore\nA\tB\t{label}\n")
    with pytest.raises(ValueError, match=f"dev.tsv: line 2 has label '{label}', expected a number from 0 to 5; mend"):
        read_task(options_of("stsb", tmp_path), "dev")


def test_baselines_are_in_the_tasks_own_metric():
    def pairs(number, kind=TextExample):
        draw = random.Random(number)
        rows = [(draw.sample("abcdef", 2), draw.random() < 0.6) for _ in range(120)]
        return [kind(str(n), (a, a if same else b), int(same)) for n, ((a, b), same) in enumerate(rows)]

    train, dev = pairs(0), pairs(1)
    share = np.mean([example.label for example in dev])
    task = options_of("mrpc")
    baselines = task_kind(task).baselines(train, dev, task)
    assert baselines.majority == pytest.approx(2 * share / (1 + share))  # all told 1: precision is its share, recall 1
    assert baselines.chance == pytest.approx(2 * share * 0.5 / (share + 0.5))
    assert baselines.bag_of_words == 1.0
    task = options_of("cola")
    assert task_kind(task).baselines(train, dev, task) == type(baselines)(0.0, 0.0, 1.0)
    task = options_of("stsb")
    baselines = task_kind(task).baselines(pairs(0, RatedExample), pairs(1, RatedExample), task)
    assert (baselines.chance, baselines.majority) == (0.0, None)
    assert baselines.bag_of_words > 0.8


def test_the_linear_baseline_minimises_the_penalised_squares():
    from nsp_ablation.learning.tasks import bag_of_words

    train = [RatedExample(str(n), (text,), label) for n, (text, label) in enumerate((("a", 1), ("a b", 3), ("b b", 2)))]
    counts = np.array([[1.0, 0, 1], [1, 1, 1], [0, 2, 1]])  # a, b, the intercept
    weights = np.linalg.solve(counts.T @ counts + np.eye(3), counts.T @ [1.0, 3, 2])
    assert bag_of_words.predicted_numbers(train, train, 100) == pytest.approx(counts @ weights)
