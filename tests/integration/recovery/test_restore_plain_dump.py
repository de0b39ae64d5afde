"""The dumps that the document's script wrote: restored with proof, or refused with everything as it was."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.clock import utc_now
from bot.outcome import Failed, Refused
from bot.policy import load_policy
from bot.recovery.action import History, World
from bot.recovery.actions.restore_plain_dump import ACTION
from bot.recovery.backups import describe_backups
from bot.recovery.plain_dumps import list_plain_dumps
from bot.recovery.plans import draft
from bot.sandbox.ports import free_port
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE
from bot.store.documents import PlanDocument
from bot.store.tables import Incident, Plan, Run
from bot.systems.databases import observe_database
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from tests.crash.rig import Rig
from tests.integration.systems.plain_dumps import put_script, store_dump, write_script
from tests.stage_fixtures import SharedStage

Change = Callable[[bytes], bytes]
END = b"-- PostgreSQL database dump complete"


@pytest.fixture(scope="module")
def script(shared_stage: SharedStage) -> bytes:
    """The stage's database as the document's script dumps it."""
    shared_stage.reset()
    return write_script(shared_stage.stage.cluster.url(DATABASE, role=RECOVERY_ROLE))


def plan(rig: Rig, incident: Incident, content: bytes) -> Plan:
    return rig.plan("restore_plain_dump", incident, dump=store_dump(rig.shared, content))


def run(rig: Rig, incident: Incident, content: bytes) -> Run:
    asked = plan(rig, incident, content)
    assert asked.document is not None, asked.reason
    started = rig.approve(asked)
    assert started is not None
    return rig.finished(started.id)


def url(rig: Rig) -> str:
    return rig.shared.stage.cluster.url(DATABASE, role=RECOVERY_ROLE)


def test_restored_with_proof(rig: Rig, incident: Incident, script: bytes) -> None:
    expected = take_fingerprint(url(rig))
    with psycopg.connect(rig.shared.stage.application_url) as connection:
        connection.execute("TRUNCATE bag CASCADE")
    ended = run(rig, incident, gzip.compress(script))
    rig.assert_restored(ended.id)
    differences = compare_fingerprints(expected, take_fingerprint(url(rig), like=expected))
    assert {one.name for one in differences} <= {"public.bag_id_seq"}, "the test bag of the proof took a number"
    assert ended.proof is not None
    verdicts = {one.name: one for one in ended.proof.verdicts}
    assert verdicts["Rows"].found.startswith(f"{expected.rows:,}, table by table; 6 sequences")
    assert "Downtime of the exchange" in verdicts


def test_the_database_is_gone(rig: Rig, incident: Incident, script: bytes) -> None:
    """The dump itself says who owns it and how it is set."""
    settings = f"\nALTER DATABASE {DATABASE} SET work_mem TO '9MB';\n".encode()
    rig.shared.stage.cluster.drop_database(DATABASE)
    ended = run(rig, incident, gzip.compress(script.replace(END, settings + END)))
    assert ended.state == "done", ended.words
    assert rig.shared.databases() == {DATABASE}
    with rig.shared.admin() as connection:
        assert observe_database(connection, DATABASE).owner == "traitortrack"
    with psycopg.connect(rig.shared.stage.application_url) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("9MB",)
    rig.assert_sound()


def put_in(foreign: str) -> Change:
    return lambda script: gzip.compress(script.replace(END, foreign.encode() + b"\n" + END))


def cut(script: bytes) -> bytes:
    return gzip.compress(script[: len(script) * 3 // 4])


def flip(script: bytes) -> bytes:
    packed = bytearray(gzip.compress(script))
    packed[len(packed) * 3 // 4] ^= 16
    return bytes(packed)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(cut, "ends in the middle of a table's rows", id="half-a-script"),
        pytest.param(flip, "cannot be unpacked|ends too early|cut short", id="flipped-bit"),
        pytest.param(put_in("\\connect postgres"), "connects to 'postgres'", id="connect"),
        pytest.param(put_in("COPY bag TO PROGRAM 'cat';"), "files or programs", id="program"),
        pytest.param(put_in("ALTER TABLE bag OWNER TO ghost;"), "roles are missing on its server: ghost", id="role"),
        pytest.param(put_in("CREATE TABLE public.bag ();"), '"CREATE TABLE PUBLIC".*already exists', id="twice"),
    ],
)
def test_refused_with_the_live_one_untouched(
    rig: Rig, incident: Incident, script: bytes, change: Change, why: str
) -> None:
    before, oid = take_fingerprint(url(rig)), rig.shared.oid()
    asked = plan(rig, incident, change(script))
    if asked.state == "refused":  # what is wrong at the beginning is seen there
        assert re.search(why, asked.reason), asked.reason
    else:
        started = rig.approve(asked)
        assert started is not None
        ended = rig.finished(started.id)
        assert ended.state in ("refused", "failed")
        assert re.search(why, ended.words), ended.words
        assert f"{DATABASE} was never touched" in ended.words
        rig.assert_untouched(oid, ended)
    assert take_fingerprint(url(rig), like=before) == before


def test_of_another_database(rig: Rig, incident: Incident, script: bytes) -> None:
    renamed = script.replace(f" DATABASE {DATABASE}".encode(), b" DATABASE payroll")
    renamed = renamed.replace(b"IF EXISTS traitortrack", b"IF EXISTS payroll")
    refused = plan(rig, incident, gzip.compress(renamed.replace(b"\\connect traitortrack", b"\\connect payroll")))
    assert refused.state == "refused"
    assert f"is a dump of the database payroll, not of {DATABASE}" in refused.reason


@pytest.mark.parametrize("place", ["/etc/passwd", "../x.sql.gz", "s3://other/x.sql.gz", "", "x" * 5000])
def test_only_what_is_listed_is_a_dump(rig: Rig, incident: Incident, place: str) -> None:
    refused = rig.plan("restore_plain_dump", incident, dump=place)
    assert refused.state == "refused"
    assert "is not among the plain dumps" in refused.reason


def test_replaced_since_the_plan(rig: Rig, incident: Incident, script: bytes) -> None:
    oid = rig.shared.oid()
    asked = plan(rig, incident, gzip.compress(script))
    store_dump(rig.shared, gzip.compress(script, 1))
    started = rig.approve(asked)
    assert started is not None
    ended = rig.finished(started.id)
    assert (ended.state, rig.steps(ended.id)) == ("refused", {})
    assert "dump version was" in ended.words
    rig.assert_untouched(oid, ended)


def make_world(shared: SharedStage, folder: Path | None, *, objects: bool = True) -> World:
    """The shipped policy with this folder as the one that dumps may be restored from."""
    policy = load_policy(None)
    settings = policy.databases[DATABASE]
    assert settings.plain_dumps is not None
    places = settings.plain_dumps.model_copy(
        update={"local_folder": str(folder) if folder else None} | ({} if objects else {"objects": None})
    )
    databases = {DATABASE: settings.model_copy(update={"plain_dumps": places})}
    os.environ.update({name: text for name, text in shared.stage.environment().items() if name.startswith("AWS_")})
    return World(policy.model_copy(update={"databases": databases}), shared.stage.environment(), utc_now)


def draft_plan(world: World, place: str) -> PlanDocument:
    return draft(ACTION, world, {"database": DATABASE, "dump": place}, History())


def test_from_the_folder_that_the_policy_names(fresh_stage: SharedStage, script: bytes, tmp_path: Path) -> None:
    file = put_script(tmp_path, script, f"{DATABASE}_20251125_030000.sql.gz")
    (tmp_path / "link.sql.gz").symlink_to(file.place)
    (tmp_path / "folder.sql.gz").mkdir()
    world = make_world(fresh_stage, tmp_path, objects=False)
    assert [one.place for one in list_plain_dumps(world, DATABASE)] == [file.place]
    document = draft_plan(world, file.place)
    assert document.loss.rows == 0
    assert document.confirm == DATABASE
    assert file.place in document.notes[0]
    with pytest.raises(Refused, match="not among the plain dumps"):
        draft_plan(world, str(tmp_path / "link.sql.gz"))
    Path(file.place).write_bytes(gzip.compress(script, 1))
    assert ACTION.moved(document.observed, draft_plan(world, file.place).observed)
    assert list_plain_dumps(make_world(fresh_stage, tmp_path / "nowhere", objects=False), DATABASE) == []


def test_a_dump_that_is_here_needs_no_s3(fresh_stage: SharedStage, script: bytes, tmp_path: Path) -> None:
    file = put_script(tmp_path, script, f"{DATABASE}_20251125_030000.sql.gz")
    world, without = make_world(fresh_stage, tmp_path), make_world(fresh_stage, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        assert [one.place for one in list_plain_dumps(world, DATABASE)] == [file.place]
        assert "cannot be seen" in draft_plan(world, file.place).notes[-1]
        with pytest.raises(Failed, match="cannot be reached"):
            list_plain_dumps(without, DATABASE)


def test_the_plan_says_from_when_it_is(fresh_stage: SharedStage, script: bytes) -> None:
    """Its own word, else its name's, else when it was stored; and that a newer backup is there."""
    world = make_world(fresh_stage, None)
    started = next(line for line in script.splitlines() if line.startswith(b"-- Started on "))
    old = script.replace(started, b"-- Started on 2025-11-25 03:00:05 UTC")
    document = draft_plan(world, store_dump(fresh_stage, gzip.compress(old)))
    assert document.back_to == datetime(2025, 11, 25, 3, 0, 5, tzinfo=UTC)
    assert "as the dump itself says" in document.notes[0]
    assert fresh_stage.baseline.key in document.notes[-1]
    silent = gzip.compress(script.replace(started, b"--"))
    assert "when the file was stored" in draft_plan(world, store_dump(fresh_stage, silent)).notes[0]
    named = draft_plan(world, store_dump(fresh_stage, silent, f"{utc_now() - timedelta(minutes=9):%Y%m%d_%H%M%S}"))
    assert "as its name says" in named.notes[0]
    assert named.loss.seconds is not None
    assert 500 < named.loss.seconds < 700


def test_choices_and_the_list_of_backups(fresh_stage: SharedStage, script: bytes) -> None:
    world = make_world(fresh_stage, None)
    place = store_dump(fresh_stage, gzip.compress(script))
    assert ACTION.choices(world, "database", {}) == [(DATABASE, "TraitorTrack database")]
    dumps = ACTION.choices(world, "dump", {"database": DATABASE})
    assert dumps is not None
    assert [value for value, _ in dumps] == [place]
    assert dumps[0][1].endswith(" kB · in S3")
    assert len(dumps[0][1]) <= 75  # what Slack shows of an option
    _, notes = describe_backups(world, DATABASE)
    assert notes == ["plain dumps (.sql.gz) there: 1; `/dr plan restore_plain_dump` restores one"]
