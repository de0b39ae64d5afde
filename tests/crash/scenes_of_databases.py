"""Scenes of the actions that bring a database back, put one back, drop one, or end queries in one."""

from __future__ import annotations

import gzip
from contextlib import ExitStack

from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE
from bot.store.tables import Run
from bot.systems.dumps.listing import confirm_backup, list_backups
from bot.systems.probe import probe_database
from tests.archiving_stage import ArchivingStage
from tests.crash.rig import Rig, look_closely
from tests.crash.scenes import Scene
from tests.integration.recovery.keeping import COMMENT, comment_on, keep
from tests.integration.recovery.sessions import count_log_lines, running
from tests.integration.systems.plain_dumps import store_dump, write_script
from tests.stage_fixtures import BAGS, PREFIX, SharedStage

TERMINATED = "terminating connection due to administrator command"
VICTIMS = [f"report{number}" for number in range(3)]
LOST = 300


def restore_database(stack: ExitStack, shared: SharedStage) -> Scene:
    return _restore(stack, shared, {"database": DATABASE, "backup": shared.baseline.key}, lost=0)


def restore_plain_dump(stack: ExitStack, shared: SharedStage) -> Scene:
    script = write_script(shared.stage.cluster.url(DATABASE, role=RECOVERY_ROLE))
    place = store_dump(shared, gzip.compress(script))
    return _restore(stack, shared, {"database": DATABASE, "dump": place}, lost=0)


def restore_to_time(stack: ExitStack, shared: ArchivingStage) -> Scene:
    """Bags are lost, and come back."""
    at = shared.now()
    shared.lose_bags(LOST)
    plain = _restore(stack, shared, {"database": DATABASE, "at": at.isoformat()}, lost=LOST)

    def done(rig: Rig, run: Run) -> None:
        plain.done(rig, run)
        assert shared.left_over() == []

    def untouched(rig: Rig, run: Run) -> None:
        plain.untouched(rig, run)
        assert shared.left_over() == []

    return Scene(plain.given, done, untouched)


def _restore(stack: ExitStack, shared: SharedStage, given: dict[str, str], *, lost: int) -> Scene:
    """The live database answers all the time; it is exchanged once, or never touched."""
    oid, client = shared.oid(), stack.enter_context(probe_database(shared.stage.application_url, every_s=0.05))

    def done(rig: Rig, run: Run) -> None:
        kept = f"{DATABASE}_before_run{run.id}"
        assert client.wait_until_good(5)
        assert client.observe().longest_gap_s < 5
        assert shared.databases() == {DATABASE, kept}
        assert (shared.count_bags(), shared.count_bags(kept)) == (BAGS, BAGS - lost)
        assert shared.oid(kept) == oid

    def untouched(rig: Rig, run: Run) -> None:
        assert shared.databases() == {DATABASE}
        assert (shared.oid(), shared.count_bags()) == (oid, BAGS - lost)

    return Scene(given, done, untouched)


def put_back_database(_stack: ExitStack, shared: SharedStage) -> Scene:
    before = shared.oid()
    kept = keep(shared)
    restored = shared.oid()

    def done(rig: Rig, run: Run) -> None:
        now_kept = f"{DATABASE}_before_run{run.id}"
        assert shared.databases() == {DATABASE, now_kept}
        assert (shared.oid(), shared.oid(now_kept)) == (before, restored)
        assert comment_on(shared, DATABASE) == COMMENT

    def untouched(rig: Rig, run: Run) -> None:
        assert shared.databases() == {DATABASE, kept}
        assert (shared.oid(), shared.oid(kept)) == (restored, before)

    return Scene({"database": DATABASE, "kept": kept}, done, untouched)


def drop_kept_database(stack: ExitStack, shared: SharedStage) -> Scene:
    """The server counts what it is told."""
    kept, live = keep(shared), shared.oid()
    with shared.admin() as connection:
        connection.execute("ALTER ROLE holdfast SET log_statement = 'ddl'")
    stack.callback(_log_no_more, shared)
    said = count_log_lines(shared, f'DROP DATABASE "{kept}"')

    def done(rig: Rig, run: Run) -> None:
        assert count_log_lines(shared, f'DROP DATABASE "{kept}"') - said == 1
        assert (shared.databases(), shared.oid()) == ({DATABASE}, live)
        finals = [one for one in list_backups(shared.bucket, PREFIX).backups if "_final-" in one.key]
        assert [one.key for one in finals] == [rig.steps(run.id)["archive"].output["key"]]
        confirm_backup(shared.bucket, finals[0])

    def untouched(rig: Rig, run: Run) -> None:
        assert count_log_lines(shared, f'DROP DATABASE "{kept}"') == said
        assert (shared.databases(), shared.oid()) == ({DATABASE, kept}, live)

    return Scene({"database": DATABASE, "kept": kept}, done, untouched)


def _log_no_more(shared: SharedStage) -> None:
    with shared.admin() as connection:
        connection.execute("ALTER ROLE holdfast RESET log_statement")


def end_queries(stack: ExitStack, shared: SharedStage) -> Scene:
    """Each is asked to end once, and nobody else ever is."""
    victims = [stack.enter_context(running(shared, name)) for name in VICTIMS]
    bystander = stack.enter_context(running(shared, "bystander"))
    before = count_log_lines(shared, TERMINATED)

    def done(rig: Rig, run: Run) -> None:
        assert not any(victim.is_connected() for victim in victims)
        assert count_log_lines(shared, TERMINATED) - before == len(VICTIMS)
        assert bystander.find() is not None

    def untouched(rig: Rig, run: Run) -> None:
        """Some may be gone: what was asked to end before ends."""
        ended = [victim for victim in victims if not victim.is_connected()]
        look_closely(lambda: count_log_lines(shared, TERMINATED) - before == len(ended), "what the server says of it")
        assert bystander.find() is not None

    sessions = [victim.wait_until_older(0).session for victim in victims]
    return Scene({"database": DATABASE, "sessions": sessions}, done, untouched)
