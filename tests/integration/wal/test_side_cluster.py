"""A restored server that was killed with the bot that ran it, and the next one on its files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.outcome import Cancelled
from bot.sandbox.postgres_binaries import find_binaries
from bot.sandbox.postgres_cluster import SUPERUSER, Cluster
from bot.systems.processes import Child
from bot.systems.wal import side_cluster
from bot.systems.wal.programs import give_away, ordinary_account, start_as
from bot.systems.wal.side_cluster import RecoveryFailed, SideCluster
from tests.integration.rds.driver import wait_until


@pytest.fixture(scope="module")
def files() -> Iterator[SideCluster]:
    """Those of a server that is not running."""
    folder = Path(tempfile.mkdtemp(prefix="side-"))
    with Cluster() as cluster:
        cluster.kill()
        shutil.copytree(cluster.data_directory, folder / "data")
    (folder / "data/postgresql.conf").write_text(f"listen_addresses = ''\nunix_socket_directories = '{folder}'\n")
    (folder / "data/pg_hba.conf").write_text("local all all trust\n")
    give_away(folder, ordinary_account())
    yield SideCluster(folder, find_binaries().bindir, SUPERUSER)
    shutil.rmtree(folder)


@pytest.fixture
def dying(files: SideCluster) -> Iterator[Child]:
    """Of the server's account, with its number in the server's lock: what a killed one is until it is gone."""
    with start_as(ordinary_account(), ["/bin/sleep", "600"]) as child:
        # Until it is the account's, PostgreSQL takes it for nobody's concern.
        wait_until("the change of account", lambda: side_cluster._arguments_of(child.pid).startswith("/bin/sleep"))
        lock = [str(child.pid), str(files.data), "0", "5432", str(files.folder), "", "", "ready"]
        (files.data / "postmaster.pid").write_text("\n".join(lock) + "\n")
        give_away(files.folder, ordinary_account())
        yield child


def test_starts_once_the_one_before_it_is_gone(files: SideCluster, dying: Child) -> None:
    looks: list[bool] = []

    def look() -> bool:
        looks.append(True)
        if len(looks) == 3:
            dying.kill()
        return False

    with files.running(cancelled=look), files.connect("postgres") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert len(looks) >= 3
    assert not (files.data / "postmaster.pid").exists()


def test_cancelled_while_the_one_before_it_is_there(files: SideCluster, dying: Child) -> None:
    with pytest.raises(Cancelled), files.running(cancelled=lambda: True):
        pass


def test_gives_up_on_one_that_stays(files: SideCluster, dying: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_cluster, "STOP_WITHIN_S", 0.0)
    with pytest.raises(RecoveryFailed, match="lock file"), files.running():
        pass
