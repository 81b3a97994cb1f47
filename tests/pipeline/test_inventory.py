"""What lies on disk: sizes, the records that need it, and the deletion of what none needs."""

from dataclasses import dataclass

import pytest

from nsp_ablation.base.artifact import build_once, write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.owned_paths import locked
from nsp_ablation.pipeline.chain import MAKERS, Artifact
from nsp_ablation.pipeline.inventory import delete_unused, take_inventory


@dataclass(frozen=True, eq=False)
class Thing(Artifact):
    """An artifact of one file, named by its text."""

    kind = "stores"
    text: str
    made_from: tuple[Artifact, ...] = ()

    def identity(self):
        return self.text

    def inputs(self):
        return self.made_from

    def build(self, directory):
        (directory / "text").write_text(self.text)


@pytest.fixture
def chain(tmp_path):
    """Three artifacts, the second made from the first."""
    first = Thing(tmp_path, "first")
    things = first, Thing(tmp_path, "second", (first,)), Thing(tmp_path, "third")
    for thing in things:
        thing.make()
    return things


def test_a_record_needs_what_it_was_made_from_and_what_that_was_made_from(chain, tmp_path):
    first, second, third = chain
    items = {item.name: item for item in take_inventory(tmp_path, [("record", [second.name])])}
    assert {name for name, item in items.items() if item.records} == {first.name, second.name}
    assert items[third.name].records == set()
    assert items[third.name].num_bytes >= len("third")


def test_what_no_record_needs_is_deleted_and_nothing_else(chain, tmp_path):
    first, second, third = chain
    deleted = delete_unused(take_inventory(tmp_path, [("record", [second.name])]))
    assert [item.name for item in deleted] == [third.name]
    assert (first.is_made, second.is_made, third.is_made) == (True, True, False)
    assert third.make().is_dir()


def test_a_data_card_is_a_file_that_names_what_it_was_made_from(chain, tmp_path):
    first, _, third = chain
    for key, made_from in (("0123456789abcdef", first), ("fedcba9876543210", third)):
        write_json(tmp_path / "cards" / f"{key}.json", {"inputs": [made_from.name]})
    (tmp_path / "cards" / "notes.json").write_text("{}")
    items = take_inventory(tmp_path, [("record", ["cards/0123456789abcdef"])])
    assert {item.name for item in items if item.records} == {"cards/0123456789abcdef", first.name}
    deleted = {item.name for item in delete_unused(items)}
    assert {"cards/fedcba9876543210", third.name} <= deleted
    assert sorted(path.name for path in (tmp_path / "cards").glob("*.json")) == ["0123456789abcdef.json", "notes.json"]


def test_what_is_being_built_is_not_deleted(chain, tmp_path):
    third = chain[2]
    with locked(third.directory.with_name(f"{third.directory.name}.lock")):
        assert third.name not in [item.name for item in delete_unused(take_inventory(tmp_path, []))]
    assert third.is_made


def test_what_others_laid_beside_artifacts_is_neither_listed_nor_deleted(chain, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (tmp_path / "stores" / "my-own-store").mkdir()
    (tmp_path / "stores" / "0123456789abcdef").symlink_to(foreign)
    (tmp_path / "encoders").symlink_to(foreign)
    (foreign / "fedcba9876543210").mkdir()
    assert len(delete_unused(take_inventory(tmp_path, []))) == len(chain)
    assert {path.name for path in foreign.iterdir()} == {"fedcba9876543210"}
    assert (tmp_path / "stores" / "my-own-store").is_dir()


@pytest.mark.parametrize("link", ["stores", "the artifact"])
def test_an_artifact_behind_a_link_is_refused(tmp_path, link):
    thing, foreign = Thing(tmp_path / "artifacts", "text"), tmp_path / "foreign"
    place = thing.directory if link == "the artifact" else thing.directory.parent
    place.parent.mkdir(parents=True)
    foreign.mkdir()
    place.symlink_to(foreign)
    with pytest.raises(InputError, match=f"{place} is a symbolic link"):
        thing.make()
    assert not list(foreign.iterdir())
    place.unlink()
    assert thing.make().is_dir()


def test_an_artifact_of_an_older_version_is_listed_as_such_and_never_used(tmp_path):
    older = tmp_path / "encoders" / "0123456789abcdef"
    older.mkdir(parents=True)
    (older / "checksums.json").write_text("{}")
    (item,) = take_inventory(tmp_path, [("record", ["encoders/fedcba9876543210"])])
    assert (item.inputs, item.records) == (None, set())


def test_a_maker_of_another_number_makes_it_anew(chain, tmp_path, monkeypatch):
    monkeypatch.setitem(MAKERS, "stores", MAKERS["stores"] + 1)
    assert not Thing(tmp_path, "first").is_made


@pytest.mark.parametrize("delete", ["false", "true"])
def test_the_command_names_size_and_records_and_deletes_only_where_asked(nsp, tmp_path, delete):
    for number in range(2):
        Thing(tmp_path / "artifacts", str(number)).make()
    ended = nsp("stage=artifacts", f"artifacts.delete_unused={delete}")
    assert ended.status == 0, ended.err
    assert "2 artifacts" in ended.out
    assert ended.out.count("no record") == 2
    left = list((tmp_path / "artifacts" / "stores").glob("[0-9a-f]*[0-9a-f]"))
    assert len([path for path in left if path.is_dir()]) == (0 if delete == "true" else 2)
    assert ("deleted 2" in ended.out) == (delete == "true")


def test_an_artifact_in_anothers_place_is_refused_by_name(chain):
    first, _, third = chain
    middle = first.directory.with_name("middle")
    first.directory.rename(middle)
    third.directory.rename(first.directory)
    middle.rename(third.directory)
    for thing, other in ((first, third), (third, first)):
        with pytest.raises(ValueError, match=rf"{thing.directory} holds {other.name}; delete it"):
            thing.make()


def test_shards_of_tasks_go_with_their_logs_unless_the_tasks_run(tmp_path):
    shards = tmp_path / "stores" / "0123456789abcdef.shards"
    build_once(shards / "00000-of-00001-aa", lambda new: (new / "ids").write_text("1"))
    folder = shards / "tasks-00001-0123456789abcdef"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "task_00000.log").write_text("begun")
    with locked(shards / "tasks.lock"):
        assert delete_unused(take_inventory(tmp_path, [])) == []
        assert (folder / "logs").is_dir()
    assert [item.name for item in delete_unused(take_inventory(tmp_path, []))] == [f"stores/{shards.name}"]
    assert not shards.exists()
