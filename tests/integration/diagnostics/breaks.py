"""Ways to break the sandbox, each with what a diagnosis has to say of it. Each heals what a fresh stage does not."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bot.sandbox.cloud import BUCKET
from bot.sandbox.stage import DATABASE
from tests.fleets import silence_servers
from tests.integration.rds.driver import wait_until
from tests.stage_fixtures import PREFIX, SharedStage

Do = Callable[[SharedStage], AbstractContextManager[None]]


@dataclass(frozen=True)
class Break:
    """`check` must answer `state` with `words` (a pattern); `also` may be worse than ok, no other may."""

    name: str
    do: Do
    check: str
    state: str
    words: str
    leads_to: str = ""
    also: tuple[str, ...] = ()
    cause: str = ""
    """What the line about the most likely cause must speak of."""


def run(shared: SharedStage, statement: str, *, database: str = DATABASE) -> None:
    """As the superuser."""
    with psycopg.connect(shared.stage.cluster.url(database, role="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement))


@contextmanager
def statements(shared: SharedStage, do: tuple[str, ...], heal: tuple[str, ...] = ()) -> Iterator[None]:
    try:
        for one in do:
            run(shared, one)
        yield
    finally:
        for one in heal:
            run(shared, one, database="postgres")


def in_database(*do: str) -> Do:
    """What a fresh stage heals: it makes the database anew."""
    return partial(statements, do=do)


def on_server(*do: str, heal: tuple[str, ...]) -> Do:
    return partial(statements, do=do, heal=heal)


def system(setting: str, value: str) -> Do:
    return on_server(
        f"ALTER SYSTEM SET {setting} = '{value}'", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.3)",
        heal=(f"ALTER SYSTEM RESET {setting}", "SELECT pg_reload_conf()"),
    )  # fmt: skip


@contextmanager
def held(shared: SharedStage, *, role: str = "traitortrack", statement: str, times: int = 1) -> Iterator[None]:
    """Sessions that began a transaction with this and do nothing more."""
    sessions = [psycopg.connect(shared.stage.cluster.url(DATABASE, role=role)) for _ in range(times)]
    try:
        for session in sessions:
            session.execute(sql.SQL(statement))
        yield
    finally:
        for session in sessions:
            session.close()


@contextmanager
def another_password(shared: SharedStage) -> Iterator[None]:
    right = urlsplit(shared.stage.application_url).password
    run(shared, "ALTER ROLE traitortrack PASSWORD 'another'")
    try:
        yield
    finally:
        run(shared, f"ALTER ROLE traitortrack PASSWORD '{right}'", database="postgres")


@contextmanager
def one_connection(shared: SharedStage) -> Iterator[None]:
    """All that the database allows are taken."""
    with held(shared, statement="SELECT 1", times=3):
        run(shared, f"ALTER DATABASE {DATABASE} CONNECTION LIMIT 3")
        yield


@contextmanager
def dropped(shared: SharedStage) -> Iterator[None]:
    shared.stage.cluster.drop_database(DATABASE)
    yield


@contextmanager
def closed(shared: SharedStage) -> Iterator[None]:
    run(shared, f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false", database="postgres")
    run(shared, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'",
        database="postgres")  # fmt: skip
    yield


@contextmanager
def renamed(shared: SharedStage) -> Iterator[None]:
    with closed(shared):
        run(shared, f"ALTER DATABASE {DATABASE} RENAME TO {DATABASE}_old", database="postgres")
        run(shared, f"ALTER DATABASE {DATABASE}_old ALLOW_CONNECTIONS true", database="postgres")
        yield


@contextmanager
def server_killed(shared: SharedStage) -> Iterator[None]:
    shared.stage.cluster.kill()
    try:
        yield
    finally:
        shared.stage.cluster.start()


@contextmanager
def application_killed(shared: SharedStage) -> Iterator[None]:
    shared.stage.warehouse.stop()
    yield


@contextmanager
def application_stopped(shared: SharedStage) -> Iterator[None]:
    """Its processes are there, and do nothing."""
    shared.stage.warehouse.send(signal.SIGSTOP)
    try:
        yield
    finally:
        shared.stage.warehouse.send(signal.SIGCONT)


@contextmanager
def elsewhere(shared: SharedStage) -> Iterator[None]:
    """The application's sessions are in another database."""
    shared.stage.warehouse.stop()
    silence_servers(shared.stage)
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = 'traitortrack'"
    with shared.admin() as admin:
        wait_until("the end of its sessions", lambda: admin.execute(asked, (DATABASE,)).fetchone() == (0,))
    with psycopg.connect(shared.stage.cluster.url("postgres")):
        yield


@contextmanager
def changed_at_once(shared: SharedStage) -> Iterator[None]:
    """A part of the rows, by one statement, after a backup of this very database."""
    shared.back_up_now()
    run(shared, "UPDATE bag SET destination = destination || '!' WHERE id % 8 = 0")
    yield


@contextmanager
def versions_suspended(shared: SharedStage) -> Iterator[None]:
    s3 = shared.stage.cloud.s3
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    try:
        yield
    finally:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


@contextmanager
def public(shared: SharedStage) -> Iterator[None]:
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    s3, policy = shared.stage.cloud.s3, {"Version": "2012-10-17", "Statement": [everybody]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    try:
        yield
    finally:
        s3.delete_bucket_policy(Bucket=BUCKET)


@contextmanager
def short_lived(shared: SharedStage) -> Iterator[None]:
    s3 = shared.stage.cloud.s3
    s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET,
        LifecycleConfiguration={
            "Rules": [{"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    )
    try:
        yield
    finally:
        s3.delete_bucket_lifecycle(Bucket=BUCKET)


@contextmanager
def backups_deleted(shared: SharedStage) -> Iterator[None]:
    """As `aws s3 rm --recursive` does it: the versions stay."""
    s3 = shared.stage.cloud.s3
    markers = []
    for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)["Contents"]:
        answer = s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
        markers.append((entry["Key"], answer["VersionId"]))
    try:
        yield
    finally:
        for key, version in markers:
            s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version)


@contextmanager
def part_gone(shared: SharedStage) -> Iterator[None]:
    """Of one more backup, whose other parts the next fresh stage takes away."""
    key = shared.back_up_now()
    part = next(
        entry["Key"]
        for entry in shared.stage.cloud.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{key}/")["Contents"]
        if "data" in entry["Key"]
    )
    shared.delete_object(part)
    yield


@contextmanager
def log_of(shared: SharedStage, lines: list[str]) -> Iterator[None]:
    path = shared.stage.warehouse_log_path
    before = path.read_text()
    path.write_text("\n".join(lines) + "\n")
    try:
        yield
    finally:
        path.write_text(before)


@contextmanager
def log_moved(shared: SharedStage) -> Iterator[None]:
    path = shared.stage.warehouse_log_path
    away = path.rename(path.with_suffix(".away"))
    try:
        yield
    finally:
        away.rename(path)


TODAY = "2026-03-01 12:00:00,000"
SLOT = "SELECT pg_create_physical_replication_slot('forgotten', true)"
NO_SLOT = "SELECT pg_drop_replication_slot('forgotten') FROM pg_replication_slots WHERE slot_name = 'forgotten'"
REFUSE = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'"
WRITERS = ("database_content",)
PAGES = ("application_paths", "application_log", "application_system_health")
DOWN = ("application_health", "application_pool", *PAGES)

BREAKS = [
    Break("an idle transaction locks a table", partial(held, statement="LOCK TABLE bag"), "database_locks", "critical",
          r"AccessExclusiveLock on bag .*idle in transaction", "end_queries",
          ("database_rows", "database_content", "database_long_queries", *DOWN), "lock"),
    Break("an index is dropped", in_database("DROP INDEX bag_created_at"), "database_schema", "warning",
          r"index bag_created_at of bag is gone .*CREATE INDEX"),
    Break("an index is not valid",
          in_database("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'bag_created_at'::regclass"),
          "database_schema", "warning", r"index bag_created_at of bag .*INVALID", "", (), "index"),
    Break("a table is unlogged", in_database("ALTER TABLE bag_scan SET UNLOGGED"), "database_schema", "warning",
          r"table bag_scan .*unlogged", "", WRITERS, "table was changed"),
    Break("the schema is renamed", in_database("ALTER SCHEMA public RENAME TO public_old"), "database_schema",
          "critical", r"schema public is called public_old now", "",
          ("database_login", "database_rows", "database_permissions", "database_content", *DOWN), "another schema"),
    Break("a column is dropped", in_database("ALTER TABLE bag DROP COLUMN weight_grams"), "database_schema", "critical",
          r"column weight_grams of bag is gone", "restore_database", PAGES, "column"),
    Break("a column is renamed", in_database("ALTER TABLE bag RENAME COLUMN destination TO target"), "database_schema",
          "critical", r"column destination of bag is gone \(it seems to be called target now\)", "", PAGES, "column"),
    Break("a column has another type", in_database("ALTER TABLE bill ALTER COLUMN paid TYPE text"), "database_schema",
          "warning", r"column paid of bill was boolean.*is text", "", ()),
    Break("a table is renamed", in_database("ALTER TABLE bill RENAME TO bill_old"), "database_schema", "critical",
          r"table bill is gone \(it seems to be called bill_old now\)", "", ("database_rows", *PAGES), "table"),
    Break("a table is dropped", in_database("DROP TABLE bag_scan"), "database_schema", "critical",
          r"table bag_scan is gone", "restore_database", ("database_rows",), "table"),
    Break("a view is dropped", in_database("DROP VIEW bag_overview"), "database_schema", "critical",
          r"view bag_overview is gone", "restore_database"),
    Break("a function is dropped", in_database("DROP FUNCTION billed_weight_grams"), "database_schema", "critical",
          r"function billed_weight_grams\(wanted bigint\) is gone", "restore_database"),
    Break("an extension is dropped", in_database("DROP EXTENSION plpgsql CASCADE"), "database_schema", "critical",
          r"extension plpgsql is gone"),
    Break("a constraint is dropped", in_database("ALTER TABLE bag DROP CONSTRAINT bag_tag_key"), "database_schema",
          "warning", r"constraint bag_tag_key of bag is gone"),
    Break("a trigger refuses writes",
          in_database(REFUSE, "CREATE TRIGGER stop BEFORE INSERT ON bag EXECUTE FUNCTION refuse()"),
          "database_schema", "warning", r"trigger stop of bag is new: it may refuse"),
    Break("a rule swallows writes", in_database("CREATE RULE quiet AS ON INSERT TO bag DO INSTEAD NOTHING"),
          "database_schema", "warning", r"rule quiet of bag is new"),
    Break("a trigger is switched off", in_database("ALTER TABLE bag DISABLE TRIGGER bag_touched"), "database_schema",
          "warning", r"trigger bag_touched of bag is switched off"),
    Break("row security hides rows",
          in_database("ALTER TABLE bag ENABLE ROW LEVEL SECURITY", "ALTER TABLE bag FORCE ROW LEVEL SECURITY"),
          "database_schema", "warning", r"table bag .*row security", "",
          ("database_rows", "database_content", "application_paths")),
    Break("the application may not insert", in_database("REVOKE INSERT, UPDATE ON bag FROM traitortrack"),
          "database_permissions", "critical", r"traitortrack may no longer INSERT, UPDATE on bag", "", (), "may"),
    Break("the application may not use the schema",
          in_database("REVOKE USAGE ON SCHEMA public FROM public, traitortrack"),
          "database_permissions", "critical", r"may no longer USAGE on schema public", "",
          (*DOWN, "database_content", "database_rows", "database_schema"), "may"),
    Break("another owns the table", in_database("ALTER TABLE bag OWNER TO postgres"), "database_permissions",
          "critical", r"traitortrack may no longer .*on bag", "", (*DOWN, "database_schema"), "may"),
    Break("the password is another", another_password, "database_login", "critical",
          r"refuses the password", "", DOWN, "password"),
    Break("the role may not log in",
          on_server("ALTER ROLE traitortrack NOLOGIN", heal=("ALTER ROLE traitortrack LOGIN",)),
          "database_login", "critical", r"may not log in any more", "", ("database_permissions", *DOWN), "log in"),
    Break("the password has run out",
          on_server("ALTER ROLE traitortrack VALID UNTIL '2020-01-01'",
                    heal=("UPDATE pg_authid SET rolvaliduntil = NULL WHERE rolname = 'traitortrack'",)),
          "database_permissions", "critical", r"may not log in \(its password ran out\)", "", ("database_login", *DOWN),
          "locked out"),
    Break("the role's connections are limited",
          on_server("ALTER ROLE traitortrack CONNECTION LIMIT 0",
                    heal=("ALTER ROLE traitortrack CONNECTION LIMIT -1",)),
          "database_login", "critical", r"All connections that it allows are taken", "",
          ("database_permissions", "database_connections", *DOWN), "connections"),
    Break("the database's connections are taken", one_connection, "database_connectivity", "critical",
          r"All connections that it allows are taken", "", ("database_login", "database_connections", *DOWN),
          "connections"),
    Break("the database is read only",
          in_database(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on"), "database_login",
          "critical", r"default_transaction_read_only is on. Every write fails", "", ("database_settings",),
          "read only"),
    Break("statements end at once",
          on_server("ALTER ROLE traitortrack SET statement_timeout = '9ms'",
                    heal=("ALTER ROLE traitortrack RESET statement_timeout",)),
          "database_login", "warning", r"are ended after 9 ms", "", ("database_settings",)),
    Break("the role looks in another schema",
          on_server("ALTER ROLE traitortrack SET search_path = nowhere",
                    heal=("ALTER ROLE traitortrack RESET search_path",)),
          "database_login", "critical", r"leads to no schema that it may use", "", ("database_settings", *DOWN),
          "finds no table"),
    Break("pages of the log are not whole", system("full_page_writes", "off"), "database_settings", "critical",
          r"full_page_writes is off, should be on"),
    Break("autovacuum is off", system("autovacuum", "off"), "database_settings", "warning", r"autovacuum is off"),
    Break("commits wait for nobody", system("synchronous_standby_names", "nobody"), "database_settings", "critical",
          r"synchronous_standby_names was the default, is nobody: every commit waits", "", (), "commit"),
    Break("less memory for sorting", system("work_mem", "64kB"), "database_settings", "warning",
          r"work_mem was the default, is 64"),
    Break("a sequence is moved back", in_database("SELECT setval('bag_id_seq', 5)"), "database_sequences", "critical",
          r"bag_id_seq is at 5, but bag.id goes up to 2,000 already", "", (), "number"),
    Break("a sequence in a text is moved back", in_database("SELECT setval('bag_tag_seq', 5)"), "database_sequences",
          "critical", r"bag_tag_seq is at 5, and was at 2,000 in the backup"),
    Break("a sequence is used up", in_database("ALTER SEQUENCE bill_number_seq MAXVALUE 1081"), "database_sequences",
          "critical", r"bill_number_seq is at 1,08\d of 1,081: (no|hardly any) numbers", "", ("database_schema",)),
    Break("all bags have one state", in_database("UPDATE bag SET status = 'missing'"), "database_content", "critical",
          r"100% of rows have one and the same value in bag.status \(missing\)", "restore_database", (), "overwritten"),
    Break("all bags go to one place", in_database("UPDATE bag SET destination = 'Oslo'"), "database_content",
          "critical", r"100% of rows have one and the same value in bag.destination", "restore_database"),
    Break("a column is emptied", in_database("UPDATE bag SET received_by = NULL"), "database_content", "critical",
          r"bag.received_by is empty in 100% of rows, was in 0%", "restore_database"),
    Break("amounts are wrong", in_database("UPDATE bill SET amount = amount * 100"), "database_content", "critical",
          r"bill.amount is .* in the middle, was", "restore_database"),
    Break("times are in the future", in_database("UPDATE bag SET created_at = created_at + interval '90 days'"),
          "database_content", "critical", r"bag.created_at reaches .* into the future", "restore_database"),
    Break("a part is changed at once", changed_at_once, "database_content", "warning",
          r"1\d% of the rows of bag were written by one transaction since the backup", "restore_database"),
    Break("old bags are deleted", in_database("DELETE FROM bag WHERE created_at < now() - interval '45 days'"),
          "database_rows", "critical", r"public.bag: 2,000 in the backup, 1,\d\d\d now", "restore_database",
          WRITERS, "missing"),
    Break("one customer's bags are deleted",
          in_database("DELETE FROM bag USING bill WHERE bill.id = bill_id AND customer LIKE 'Harbour%'"),
          "database_rows", "warning", r"public.bag: 2,000 in the backup", "restore_database", WRITERS),
    Break("a table is emptied", in_database("TRUNCATE bag_scan"), "database_rows", "critical",
          r"public.bag_scan: 8,000 in the backup, 0 now", "restore_database", WRITERS),
    Break("rows are doubled",
          in_database("INSERT INTO bag (weight_grams, destination, created_at)"
                      " SELECT weight_grams, destination, created_at FROM bag"),
          "database_rows", "warning", r"More rows than expected.*public.bag: 2,000 in the backup, 4,000 now", "",
          WRITERS),
    Break("autovacuum is off for a table", in_database("ALTER TABLE bag SET (autovacuum_enabled = off)"),
          "database_maintenance", "warning", r"Autovacuum is switched off for bag", "", ("database_schema",)),
    Break("statistics are gone", in_database("DELETE FROM pg_statistic WHERE starelid = 'bag'::regclass"),
          "database_maintenance", "warning", r"bag has no statistics"),
    Break("nobody reads a slot", on_server(SLOT, heal=(NO_SLOT,)), "database_maintenance", "warning",
          r"Nobody reads the replication slot forgotten"),
    Break("the database is dropped", dropped, "database_connectivity", "critical",
          r"There is no database of that name", "restore_database", ("database_login", *DOWN), "database"),
    Break("the database is renamed", renamed, "database_connectivity", "critical",
          r"Others of its owner: traitortrack_old\b.* If traitortrack_old is it", "", ("database_login", *DOWN),
          "database"),
    Break("the database is closed", closed, "database_connectivity", "critical", r"closed to connections", "",
          ("database_login", *DOWN), "closed"),
    Break("the server is killed", server_killed, "database_connectivity", "critical",
          r"Nothing listens at that address", "", ("database_login", *DOWN), "down"),
    Break("the application is killed", application_killed, "application_health", "critical", r"does not answer",
          "restart_application", ("application_workers", *DOWN), "application"),
    Break("the application hangs", application_stopped, "application_health", "critical", r"it hangs",
          "restart_application", DOWN, "hangs"),
    Break("the application is elsewhere", elsewhere, "database_connections", "warning",
          r"has no session here, but has in postgres", "", ("application_workers", *DOWN)),
    Break("the test user is locked", in_database("""UPDATE "user" SET active = false WHERE username = 'testuser'"""),
          "application_paths", "critical", r"Login: 401"),
    Break("the log tells of a new error",
          partial(log_of, lines=[f"{TODAY} ERROR web: [Errno 24] Too many open files: 'x{n}'" for n in range(20)]),
          "application_log", "critical", r"20 errors in the newest 20 lines.*Too many open files", "", (), "files"),
    Break("the log is gone", log_moved, "application_log", "warning", r"the log (is not there|cannot be read)"),
    Break("the bucket keeps no versions", versions_suspended, "backups_bucket", "warning", r"keeps no versions"),
    Break("the bucket is public", public, "backups_bucket", "critical", r"Everybody may get at", "", (), "strangers"),
    Break("backups live for a day", short_lived, "backups_bucket", "warning", r"deletes what is 1 days old \(tidy\)"),
    Break("backups are deleted", backups_deleted, "backups_bucket", "critical",
          r"objects? of the backups (was|were) deleted.*removing the delete markers brings them back", "",
          ("backups_verified", "database_rows", "database_content", "database_schema", "database_permissions"),
          "backups"),
    Break("a part of the newest backup is gone", part_gone, "backups_bucket", "critical",
          r"The newest backup is not whole", "back_up_database"),
]  # fmt: skip


def find(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
