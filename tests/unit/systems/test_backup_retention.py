"""Which backups may go: never the newest verified ones, never half a backup, never what is not ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.systems.backup_retention import Disposable, Rules, choose_disposable, choose_local, find_drop
from bot.systems.bucket_contents import StoredVersion
from bot.systems.dumps.manifest import MANIFEST_SUFFIX, Manifest
from bot.systems.local_dumps import LocalDump

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PREFIX, DATABASE = "database/", "traitortrack"
RULES = Rules(retention=timedelta(days=92), keep_at_least=2, unfinished_after=timedelta(days=2))

SOURCE = {
    "oid": 1, "size_bytes": 1, "encoding": "UTF8", "collation": "C", "character_type": "C", "locale_provider": "c",
    "locale": None, "server_version": "15.0", "server_major": 15, "pg_dump_version": "15.0", "roles": [],
    "extensions": {},
    "traits": {"owner": "me", "connection_limit": -1, "comment": None, "settings": [], "grants": None},
}  # fmt: skip

FINGERPRINT = {
    "server_major": 15, "machine": "x86_64", "tables": {}, "sequences": {},
    "large_objects": {"count": 0, "size_bytes": 0},
}  # fmt: skip


def make_backup(age_days: float, database: str = DATABASE, size_bytes: int = 100) -> Manifest:
    moment = NOW - timedelta(days=age_days)
    key = f"{PREFIX}{database}_{moment:%Y%m%dT%H%M%SZ}_run{age_days}"
    part = {"name": "schema", "key": f"{key}/schema.dump.zst", "version_id": None, "size_bytes": size_bytes}
    return Manifest.model_validate(
        {
            "key": key,
            "run": "run",
            "snapshot_at": moment,
            "verified_at": moment,
            "source": SOURCE | {"database": database},
            "parts": [part | {"dump_bytes": 1, "sha256": "0" * 64}],
            "fingerprint": FINGERPRINT,
            "durations_s": {},
        }
    )


def store(key: str, age_days: float, size_bytes: int = 100) -> StoredVersion:
    stored_at = NOW - timedelta(days=age_days)
    return StoredVersion(key=key, version_id=f"v{age_days}", size_bytes=size_bytes, stored_at=stored_at)


def store_all(backups: list[Manifest]) -> list[StoredVersion]:
    """What a bucket holds of them."""
    found: list[StoredVersion] = []
    for backup in backups:
        age_days = (NOW - backup.snapshot_at) / timedelta(days=1)
        found += [store(backup.parts[0].key, age_days), store(backup.key + MANIFEST_SUFFIX, age_days)]
    return found


def choose(backups: list[Manifest], *others: StoredVersion) -> list[Disposable]:
    return choose_disposable(DATABASE, PREFIX, backups, [*store_all(backups), *others], RULES, NOW)


AGES = st.lists(st.floats(0, 400).map(lambda days: round(days, 3)), unique=True, max_size=12)


@given(AGES, AGES)
def test_the_newest_stay_and_the_rest_go_by_age(ages: list[float], others: list[float]) -> None:
    own = [make_backup(age) for age in ages]
    foreign = [make_backup(age, "elsewhere") for age in others]
    going = {one.key for one in choose([*own, *foreign])}
    newest = sorted(own, key=lambda one: one.snapshot_at, reverse=True)
    expected = {one.key for one in newest[2:] if NOW - one.snapshot_at > RULES.retention}
    assert going == expected


def test_a_backup_goes_as_a_whole_and_its_manifest_first() -> None:
    old, *rest = [make_backup(age) for age in (100, 1, 2)]
    [going] = choose([old, *rest])
    assert [version.key for version in going.versions] == [old.key + MANIFEST_SUFFIX, old.parts[0].key]
    assert (going.kind, going.size_bytes) == ("backup", 200)


def test_nothing_goes_without_a_verified_backup() -> None:
    assert choose([], store(f"{PREFIX}{DATABASE}_20250101_030000.sql.gz", 200)) == []
    final = make_backup(1, f"{DATABASE}_before_run7")
    assert choose([final, make_backup(200, f"{DATABASE}_before_run5")]) == []


def test_final_archives_and_the_old_scripts_dumps_go_by_age_alone() -> None:
    final = make_backup(100, f"{DATABASE}_before_run7")
    plain = store(f"{PREFIX}{DATABASE}_20250101_030000.sql.gz", 100)
    young = store(f"{PREFIX}{DATABASE}_20260501_030000.sql.gz", 30)
    assert [(one.key, one.kind) for one in choose([make_backup(1), make_backup(2), final], plain, young)] == [
        (final.key, "final archive"),
        (plain.key, "plain dump"),
    ]


@pytest.mark.parametrize(
    ("name", "age_days", "goes"),
    [
        pytest.param(f"{DATABASE}_20260501T030000Z_run9/data-rest.dump.zst", 3, True, id="left-over"),
        pytest.param(f"{DATABASE}_before_run3_20260501T030000Z_run9/x.zst", 3, True, id="of-a-final-archive"),
        pytest.param(f"{DATABASE}_20260501T030000Z_run9/data-rest.dump.zst", 1, False, id="perhaps-being-taken"),
        pytest.param("elsewhere_20260501T030000Z_run9/data-rest.dump.zst", 3, False, id="of-another-database"),
        pytest.param(f"{DATABASE}_dev_20260501T030000Z_run9/data.zst", 300, False, id="of-one-with-a-longer-name"),
        pytest.param(f"{DATABASE}_notes.txt", 300, False, id="of-somebody-else"),
    ],
)
def test_parts_without_a_manifest(name: str, age_days: float, goes: bool) -> None:
    part = store(PREFIX + name, age_days)
    going = choose([make_backup(0.5), make_backup(1)], part)
    assert [one.versions for one in going] == ([(part,)] if goes else [])


def test_a_backup_that_somebody_has_deleted_may_be_wanted_back() -> None:
    """Its manifest is hidden behind a delete marker: not in the listing, and not rubbish either."""
    gone = make_backup(30)
    hidden = [version.model_copy(update={"newest": False}) for version in store_all([gone])]
    assert choose([make_backup(0.5), make_backup(1)], *hidden) == []


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.integers(1, 99))
def test_a_sudden_drop_is_one_below_the_usual_size(sizes: list[int], percent: int) -> None:
    backups = [make_backup(index, size_bytes=size) for index, size in enumerate(sizes)]
    alarm = find_drop(backups, percent)
    before = sorted(sizes[1:6])
    if not before or sizes[0] >= max(before):
        assert alarm is None
    elif sizes[0] < min(before) * (100 - percent) / 100:
        assert alarm is not None
        assert backups[0].key in alarm


@given(AGES, st.floats(0, 100))
def test_of_local_dumps_the_newest_stays(ages: list[float], verified_days: float) -> None:
    dumps = [
        LocalDump(name=f"{age}", size_bytes=1, changed_at=NOW - timedelta(days=age), inode=1) for age in sorted(ages)
    ]
    verified_at = NOW - timedelta(days=verified_days)
    going = choose_local(dumps, timedelta(weeks=4), verified_at, NOW)
    assert all(dump.changed_at < verified_at and NOW - dump.changed_at > timedelta(weeks=4) for dump in going)
    assert not dumps or dumps[0] not in going
    assert len(going) == len([one for one in dumps[1:] if one.changed_at < min(verified_at, NOW - timedelta(weeks=4))])
