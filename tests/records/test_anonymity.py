"""What names a person or a machine is taken out, and nothing else changes."""

import getpass
import socket
from pathlib import Path

import pytest

from nsp_ablation.reporting.records import anonymity
from nsp_ablation.reporting.records.anonymity import hidden_values, places_of, public_values, with_values

CONFIG = {"paths": {"artifacts": "/data/jdoe/art", "results": "out"}, "corpus": {"path": "/home/Jane Doe/my corpus"}}


@pytest.fixture
def places(monkeypatch, tmp_path):
    """Places of jdoe on the machine gauss42.lab, at work in `tmp_path`."""
    monkeypatch.setattr(getpass, "getuser", lambda: "jdoe")
    monkeypatch.setattr(socket, "gethostname", lambda: "gauss42.lab")
    monkeypatch.setenv("HOME", "/home/jdoe")
    monkeypatch.chdir(tmp_path)
    return places_of(CONFIG)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/jdoe/thesis/a.txt has 3 lines", "a.txt has 3 lines"),
        ("artifact /data/jdoe/art/stores/ab is damaged (x)", "artifact artifacts/stores/ab is damaged (x)"),
        ("{cwd}/out/adhoc/records/r.json: cut", "results/adhoc/records/r.json: cut"),
        ("{cwd}/notes/x.md", "notes/x.md"),
        ("/home/Jane Doe/my corpus/part 1.txt is empty", "my corpus/part 1.txt is empty"),
        ("~jdoe/x/y.txt, ~/z.txt and ../../jdoe/w.txt", "y.txt, z.txt and w.txt"),
        ("https://jdoe:secret@host.org/a/b.gz failed", "https://host.org/a/b.gz failed"),
        ("file:///home/jdoe/a/b", "b"),
        ("gauss42.lab:/scratch/jdoe/x died", "[host]:x died"),
        ("data/jdoe/x.txt", "data/[user]/x.txt"),
        ("MNLI/m, 3/4 of 1e-3 tokens/s; and/or", "MNLI/m, 3/4 of 1e-3 tokens/s; and/or"),
        ("jdoes and full", "jdoes and full"),
    ],
)
def test_free_texts(places, tmp_path, text, shown):
    assert places.text(text.format(cwd=tmp_path)) == shown


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("corpus.path=/home/Jane Doe/my corpus", "corpus.path=my corpus"),
        ("corpus.path='/srv/My Files/a b.txt'", "corpus.path='a b.txt'"),
        ("corpus.path=[/srv/x/a.txt,/srv/x/b.txt]", "corpus.path=[a.txt,b.txt]"),
        ("tasks.mnli.path=/data/glue/MNLI", "tasks.mnli.path=MNLI"),
        ("paths.artifacts=/data/jdoe/art", "paths.artifacts=artifacts"),
        ("encoder=FacebookAI/roberta-base", "encoder=FacebookAI/roberta-base"),
        ("encoder=s3://me:pw@bucket/x", "encoder=s3://bucket/x"),
        ("logger.entity=jdoe", "logger.entity=[user]"),
        ("format=full,doc", "format=full,doc"),
        ("pretraining.learning_rate=3e-3", "pretraining.learning_rate=3e-3"),
        ("/usr/bin/python", "python"),
    ],
)
def test_words_of_a_command(places, word, shown):
    assert places.override(word) == shown
    assert places.command(anonymity.shlex.join(["run.py", word])) == anonymity.shlex.join(["run.py", shown])


def test_a_command_without_a_place_stays_as_it_was_typed(places):
    command = """python run.py -m 'seed=range(1,4)' "format=full,doc" title=a\\ b"""
    assert places.command(command) == command


def test_a_name_that_is_a_value_of_a_setting_stays(places, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "full")
    found = places_of({})
    assert found.override("format=full,doc") == "format=full,doc"
    assert found.value("full") == "full"
    assert found.value("/home/full/x") == "x"


def test_everybodys_names_stay(places, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    assert places_of({}).text("root mean square of /root/x/y") == "root mean square of y"


def test_hidden_values_are_kept_apart_and_can_be_put_back(places):
    data = {"reason": "/srv/a/b.txt: bad", "config": CONFIG | {"seeds": [1, 2], "list": ["/srv/c/d"], "none": None}}
    shown, hidden = public_values(data, places), hidden_values(data, places)
    assert "/srv" not in str(shown)
    assert "jdoe" not in str(shown)
    assert "Jane" not in str(shown)
    assert set(hidden) == {
        *("/reason", "/config/list/0", "/config/corpus/path", "/config/paths/artifacts"),
    }
    assert with_values(shown, hidden) == data
    assert public_values(shown, places) == shown


def test_a_machine_without_a_user_or_a_home_still_has_places(monkeypatch):
    def none():
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", none)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert places_of({}).text("/srv/a/b") == "b"
