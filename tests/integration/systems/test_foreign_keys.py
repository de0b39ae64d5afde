"""Foreign keys that a restore adds unchecked are the source's in the end, or are said to be wrong."""

from __future__ import annotations

import pytest

from bot.systems.archives import Bucket
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.foreign_keys import CheckFailed, ForeignKey, check_keys
from bot.systems.dumps.restore import restore_archive
from bot.systems.postgres import connect
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import KEYED_SCHEMA, UNUSUAL_SCHEMA, execute, fetch
from tests.integration.systems.test_backup_and_restore import dump_schema

UNCHECKED = "SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated ORDER BY 1"


def restore_unchecked(source: Place, target: Place, bucket: Bucket) -> list[ForeignKey]:
    manifest = back_up(source.url, bucket, prefix="keys/", run=target.name)
    return list(restore_archive(target.url, bucket, manifest, check_keys=False).unchecked)


def check(target: Place, keys: list[ForeignKey]) -> list[str]:
    return check_keys(target.url, keys, lambda words: None)


def test_keys_are_added_unchecked_and_are_as_they_were_once_checked(make_place: MakePlace, bucket: Bucket) -> None:
    """Those of partitioned tables are checked at once, and one that the source never checked stays so."""
    source, target = make_place(None, KEYED_SCHEMA), make_place()

    keys = restore_unchecked(source, target, bucket)

    names = [("chick_hen_fkey",), ("hen_mother_fkey",), ("nest's; hen",)]
    assert sorted((key.name,) for key in keys) == names
    assert fetch(target.owner_url, UNCHECKED) == [("caught",), *names]
    with pytest.raises(Exception, match="violates foreign key"):
        execute(target.owner_url, "INSERT INTO nest VALUES (4711)")
    assert check(target, keys) == []
    assert check(target, keys) == []
    assert fetch(target.owner_url, UNCHECKED) == [("caught",)]
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)


def test_unusual_schema_comes_back_as_it_was(make_place: MakePlace, bucket: Bucket) -> None:
    source, target = make_place("Ünusual \"name\" = 'x'", UNUSUAL_SCHEMA), make_place()

    assert check(target, restore_unchecked(source, target, bucket)) == []

    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)


def test_name_that_cannot_be_read_puts_nothing_off(make_place: MakePlace, bucket: Bucket) -> None:
    definition = """
        CREATE TABLE hen (id int PRIMARY KEY, mother int CONSTRAINT "a\nname" REFERENCES hen);
        CREATE TABLE nest (hen int REFERENCES hen);
    """
    source, target = make_place(None, definition), make_place()

    assert restore_unchecked(source, target, bucket) == []

    assert fetch(target.owner_url, UNCHECKED) == []
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)


def test_names_in_another_encoding_put_nothing_off(make_place: MakePlace, bucket: Bucket) -> None:
    source, target = make_place(None, KEYED_SCHEMA), make_place()
    manifest = back_up(source.url, bucket, prefix="latin/", run="r1")
    latin = manifest.model_copy(update={"source": manifest.source.model_copy(update={"encoding": "LATIN1"})})

    assert restore_archive(target.url, bucket, latin, check_keys=False).unchecked == ()

    assert fetch(target.owner_url, UNCHECKED) == [("caught",)]


def test_what_does_not_hold_is_named_and_the_rest_is_checked(make_place: MakePlace, bucket: Bucket) -> None:
    source, target = make_place(None, KEYED_SCHEMA), make_place()
    keys = restore_unchecked(source, target, bucket)
    execute(target.admin_url, "SET session_replication_role = replica; DELETE FROM hen WHERE id = 100")
    execute(target.owner_url, "ALTER TABLE hen DROP CONSTRAINT hen_mother_fkey")

    for _ in range(2):
        assert sorted(check(target, keys)) == [
            'chick_hen_fkey of public.chick does not hold: Key (hen)=(100) is not present in table "hen".',
            "hen_mother_fkey of public.hen is not there any more",
            'nest\'s; hen of public.nest does not hold: Key (hen)=(100) is not present in table "hen".',
        ]

    execute(target.admin_url, "DELETE FROM nest WHERE hen = 100")
    assert len(check(target, keys)) == 2
    assert fetch(target.owner_url, UNCHECKED) == [("caught",), ("chick_hen_fkey",)]


def test_table_that_is_being_changed_fails_the_check(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.systems.dumps.foreign_keys.LOCK_TIMEOUT_S", 0.1)
    target = make_place(None, KEYED_SCHEMA)
    key = ForeignKey(schema_name="public", table="fox", name="caught")
    with connect(target.admin_url) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE fox IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(CheckFailed, match=r"lock timeout.*For new rows it is enforced"):
            check(target, [key])


def test_database_without_keys(make_place: MakePlace, bucket: Bucket) -> None:
    source, target = (
        make_place(None, "CREATE TABLE hen (id int PRIMARY KEY); COMMENT ON TABLE hen IS 'a'"),
        make_place(),
    )

    assert restore_unchecked(source, target, bucket) == []
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)
