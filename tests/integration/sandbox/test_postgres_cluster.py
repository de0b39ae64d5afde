"""The throw-away PostgreSQL: starts anywhere, is shut to strangers, gives the bot exactly the rights it documents."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.sandbox.children import PACKAGE_ROOT
from bot.sandbox.postgres_binaries import PostgresBinaries, copy_binaries, find_binaries
from bot.sandbox.postgres_cluster import Cluster

from .waiting import wait_until_gone

START_ONE = """
import os
from bot.sandbox.postgres_cluster import Cluster
import psycopg
with Cluster() as cluster, psycopg.connect(cluster.admin_url) as connection:
    print(os.getuid(), connection.execute("SELECT 1 + 1").fetchone()[0])
"""


@pytest.fixture(scope="module", params=["machine", "wheel"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with Cluster(binaries=find_binaries(request.param)) as running:
        running.create_database("traitortrack")
        yield running


def value(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_it_is_the_version_that_was_found_and_speaks_unicode(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("traitortrack")) as connection:
        major, minor = divmod(connection.info.server_version, 10_000)
        assert (major, minor) == cluster.binaries.version
        assert value(connection, "SHOW server_encoding") == "UTF8"
        assert value(connection, "SHOW timezone") == "UTC"


def test_strangers_stay_outside(cluster: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://postgres:guess@127.0.0.1:{cluster.port}/postgres")
    with psycopg.connect(cluster.admin_url) as connection:
        assert value(connection, "SHOW listen_addresses") == "127.0.0.1"
        assert value(connection, "SHOW unix_socket_directories") == ""


@pytest.mark.parametrize("role", ["traitortrack", "holdfast"])
def test_the_roles_create_databases_and_are_no_superusers(cluster: Cluster, role: str) -> None:
    with psycopg.connect(cluster.url("postgres", role)) as connection:
        flags = f"SELECT rolcreatedb AND rolcanlogin AND NOT rolsuper FROM pg_roles WHERE rolname = '{role}'"
        assert value(connection, flags) is True


def test_the_recovery_role_can_swap_databases_of_the_application(cluster: Cluster) -> None:
    application = psycopg.connect(cluster.url("traitortrack"))
    with psycopg.connect(cluster.url("postgres", "holdfast"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE side OWNER traitortrack")
        connection.execute("ALTER DATABASE traitortrack ALLOW_CONNECTIONS false")
        with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
            psycopg.connect(cluster.url("traitortrack", role="postgres"))
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'traitortrack'"
        )
        with connection.transaction():
            connection.execute("ALTER DATABASE traitortrack RENAME TO kept")
            connection.execute("ALTER DATABASE side RENAME TO traitortrack")
        connection.execute("ALTER DATABASE kept ALLOW_CONNECTIONS true")
        assert value(connection, "SELECT count(*) FROM pg_database WHERE datname IN ('kept', 'traitortrack')") == 2
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        application.execute("SELECT 1")
    application.close()
    cluster.drop_database("kept")


def test_what_was_committed_survives_a_crash(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("traitortrack")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100)")
    pid = cluster.pid
    cluster.kill()
    assert pid is not None
    wait_until_gone([pid])
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.url("traitortrack"))
    cluster.start()
    with psycopg.connect(cluster.url("traitortrack")) as connection:
        assert value(connection, "SELECT count(*) FROM kept") == 100


def test_a_paused_server_leaves_new_connections_hanging(cluster: Cluster) -> None:
    cluster.pause()
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        psycopg.connect(cluster.admin_url, connect_timeout=2)
    cluster.resume()
    psycopg.connect(cluster.admin_url, connect_timeout=10).close()


def test_a_quoted_name_and_a_slash_survive_the_url(cluster: Cluster) -> None:
    cluster.create_database('odd "name"/ü')
    with psycopg.connect(cluster.url('odd "name"/ü')) as connection:
        assert connection.info.dbname == 'odd "name"/ü'


def test_nothing_is_left_after_stop() -> None:
    with Cluster(settings={"work_mem": "8MB"}) as cluster:
        directory, pid = cluster.data_directory.parent, cluster.pid
        assert pid is not None
        with psycopg.connect(cluster.admin_url) as connection:
            assert value(connection, "SHOW work_mem") == "8MB"
    wait_until_gone([pid])
    assert not directory.exists()
    cluster.stop()


def test_binaries_in_a_private_place_are_copied_or_used_in_place(tmp_path: Path) -> None:
    found = find_binaries("wheel")
    private = PostgresBinaries(copy_binaries(found, tmp_path / "private"), found.version, "wheel")
    (tmp_path / "private").chmod(0o700)
    with Cluster(binaries=private) as cluster, psycopg.connect(cluster.admin_url) as connection:
        assert value(connection, "SELECT 1") == 1
        assert (cluster.bindir == private.bindir) == (os.geteuid() != 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="we are an ordinary user: every test here shows it")
def test_it_starts_for_an_ordinary_user() -> None:
    interpreter = find_public_interpreter()
    home = Path(tempfile.mkdtemp())
    shutil.chown(home, "nobody")
    try:
        done = subprocess.run(
            [interpreter, "-c", START_ONE],
            env={"PYTHONPATH": python_path(), "PATH": os.environ["PATH"], "TMPDIR": str(home)},
            user="nobody",
            extra_groups=[],
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [str(home.stat().st_uid), "2"]
    finally:
        shutil.rmtree(home)


def find_public_interpreter() -> str:
    """Return a Python like ours that any user may run; ours may lie in root's home."""
    for candidate in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/bin/python3"):
        try:
            subprocess.run(
                [candidate, "-c", "import psycopg, requests"],
                env={"PYTHONPATH": python_path()},
                user="nobody",
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return candidate
    pytest.skip("no Python here that an ordinary user may run and that has our dependencies")


def python_path() -> str:
    return f"{PACKAGE_ROOT}:{sysconfig.get_path('purelib')}"
