"""The rehearsal stage: a warehouse application on a real PostgreSQL, and an AWS, all on this machine."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from bot.sandbox.children import Child, http_answers
from bot.sandbox.cloud import BUCKET, Cloud
from bot.sandbox.fleet import RELEASE, Application, Fleet, deploy
from bot.sandbox.lights import bot_light, database_light, storage_light, warehouse_light
from bot.sandbox.machines.disk import Disk
from bot.sandbox.machines.service import Service, read_environment
from bot.sandbox.machines.supervisor import HEALTHY_DEADLINE_S, Supervisor
from bot.sandbox.ports import free_port
from bot.sandbox.postgres_binaries import Origin, find_binaries
from bot.sandbox.postgres_cluster import RECOVERY_ROLE, Cluster
from bot.sandbox.primary_instance import create_primary, create_secrets
from bot.sandbox.repositories import Repositories, make_repositories
from bot.sandbox.scenarios import ScenarioFailed, load_scenarios
from bot.sandbox.scratch import ScratchDirectory
from bot.sandbox.warehouse.seed import DEFAULT_BAGS, TEST_PASSWORD, TEST_USERNAME, seed

DATABASE = "traitortrack"
ARCHIVE_SCRIPT = Path(__file__).with_name("archive_wal.sh")
ARCHIVE_TIMEOUT_S = 300
WAL_PREFIX = "wal/"


class Stage:
    """Composes cluster, warehouse and cloud; everything in it is gone after `stop`.

    `bags`: how many the warehouse starts with; `bags_per_s`: how many come in while it runs. Whoever runs
    the bot puts its `Child` into `bot`, so that it gets a light and can be killed. `archive_wal`: whether the server
    archives its log into the cloud, as the written procedure has it. `machines`: with one the application is a child
    of this process; with more it is on servers of the cloud (`fleet`), reached by SSM, behind a load balancer.
    """

    def __init__(
        self,
        *,
        bags: int = DEFAULT_BAGS,
        bags_per_s: float = 2.0,
        prefer: Origin = "machine",
        archive_wal: bool = False,
        machines: int = 1,
    ) -> None:
        self.bags = bags
        self.bags_per_s = bags_per_s
        self.bot: Child | None = None
        self._scratch = ScratchDirectory("stage")
        self.cloud = Cloud(self.directory, bags_per_s=bags_per_s / machines)
        self.cluster = Cluster(
            binaries=find_binaries(prefer), settings=self._archive_settings() if archive_wal else None
        )
        port = free_port()
        self.warehouse_url = f"http://127.0.0.1:{port}"
        self.disk = Disk(self.directory / "machine")
        self.disk.make()
        self.warehouse = Service(
            self.disk, port, bags_per_s=bags_per_s, environment={"PRODUCTION_DATABASE_URL": self.application_url}
        )
        self.fleet = Fleet(self.cloud, machines, port, self.disk.git_folder) if machines > 1 else None
        self._supervisor: Supervisor | None = None
        self._open_connections: list[psycopg.Connection] = []
        self._scenarios = load_scenarios()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def directory(self) -> Path:
        """Where logs are; removed by `stop`."""
        return self._scratch.path

    @property
    def supervisor_path(self) -> Path:
        """The socket on which `bot.sandbox.service` speaks to the supervisor of the application."""
        return self.disk.init_socket

    @property
    def environment_path(self) -> Path:
        """The file that the application's service takes its environment from."""
        return self.disk.environment_file

    @property
    def warehouse_log_path(self) -> Path:
        """The application's log."""
        return self.disk.log_path

    @property
    def application(self) -> Application:
        """The warehouse application, wherever it runs."""
        return self.fleet or self.warehouse

    @property
    def application_url(self) -> str:
        """The warehouse's database as the application connects to it, by its environment file once there is one."""
        return read_environment(self.disk).get("PRODUCTION_DATABASE_URL") or self.cluster.url(DATABASE)

    def start(self) -> None:
        """Start everything; returns when the warehouse is healthy. When a part fails, stops the others."""
        try:
            with ThreadPoolExecutor(max_workers=2) as parts:
                for part in [parts.submit(self._start_cloud), parts.submit(self._start_warehouse)]:
                    part.result()
            if self.fleet:
                self.start_application()
            else:
                self._supervisor = Supervisor(self.supervisor_path, self.warehouse)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything and delete it."""
        if self._supervisor:
            self._supervisor.close()
        while self._open_connections:
            self._open_connections.pop().close()
        with ThreadPoolExecutor() as parts:
            stops = (self.warehouse.stop, self.cloud.stop, self.cluster.stop)
            for part in [parts.submit(stop) for stop in stops]:
                part.result()
        self._scratch.remove()

    def environment(self) -> dict[str, str]:
        """Return what the bot needs in its environment to find the stage."""
        return {
            "PRODUCTION_DATABASE_URL": self.application_url,
            "HOLDFAST_RECOVERY_DATABASE_URL": self.cluster.url(DATABASE, role=RECOVERY_ROLE),
            "HOLDFAST_PG_BINDIR": str(self.cluster.bindir),
            "HOLDFAST_RESTORE_FOLDER": str(self.directory / "restore"),
            "TRAITORTRACK_TEST_USER": TEST_USERNAME,
            "TRAITORTRACK_TEST_PASSWORD": TEST_PASSWORD,
            **self.cloud.environment(),
        }

    def adopt_primary(self) -> None:
        """Make the warehouse's database the document's RDS instance, traitortrack-primary, in the cloud.

        Takes some seconds: RDS is set up, and the server's first automatic backup taken. Raises CloudRefused.
        """
        create_primary(self.cloud, self.cluster, self.application_url)

    def start_application(self) -> None:
        """Start the warehouse application and wait until it is healthy. Raises ChildFailed."""
        self.application.start()
        self.application.wait_until(lambda: http_answers(f"{self.warehouse_url}/health"), "healthy", HEALTHY_DEADLINE_S)

    def list_disks(self) -> list[Disk]:
        """Those of the machines that the application is on and that are up."""
        if self.fleet is None:
            return [self.disk]
        machines = [self.cloud.describe_machine(name) for name in self.fleet.list_members()]
        return [one.disk for one in machines if one.is_up]

    def make_repositories(self) -> Repositories:
        """The application's repository and its mirror, made when they are first wanted."""
        return make_repositories(self.disk.git_folder)

    def reset(self) -> None:
        """Drop every database of the cluster and make a fresh warehouse; what is in the cloud stays.

        Where there are releases, the good one runs again, and nobody is kept out.
        """
        self.application.stop()
        for disk in self.list_disks():
            disk.maintenance_file.unlink(missing_ok=True)
            if disk.current.exists():
                deploy(disk, self.make_repositories(), RELEASE)
        self.environment_path.unlink(missing_ok=True)
        self.cluster.start()
        self.cluster.reset_passwords()
        with psycopg.connect(self.cluster.admin_url) as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
            ).fetchall()
        for (name,) in rows:
            self.cluster.drop_database(name)
        self._start_warehouse()
        self.start_application()

    def keep_open(self, connection: psycopg.Connection) -> None:
        """Hold a scenario's connection until the stage stops."""
        self._open_connections.append(connection)

    def scenarios(self) -> list[dict[str, str]]:
        """Return name, title and description of what can be pulled."""
        return [
            {"name": entry.name, "title": entry.title, "description": entry.description}
            for entry in self._scenarios.values()
        ]

    def pull(self, name: str) -> str:
        """Make a scenario happen and return what was done. Raises LookupError and ScenarioFailed."""
        if name not in self._scenarios:
            raise LookupError(f"there is no scenario {name!r}; there are {', '.join(self._scenarios)}")
        try:
            return self._scenarios[name].pull(self)
        except psycopg.Error as error:
            raise ScenarioFailed(f"the database refused: {str(error).strip()}") from error

    def lights(self) -> list[dict[str, str]]:
        """Return name, state (ok, warning, down) and detail of every part; takes up to a few seconds."""
        warehouse = warehouse_light(
            self.application, self.warehouse_url, expected_bags=self.bags, writes=self.bags_per_s > 0
        )
        lights = [warehouse, database_light(self.cluster.admin_url, DATABASE), storage_light(self.cloud)]
        if self.bot is not None:
            lights.append(bot_light(self.bot))
        return [asdict(light) for light in lights]

    def _start_cloud(self) -> None:
        self.cloud.start()
        if self.fleet:
            create_secrets(self.cloud, self.application_url)
            self.fleet.launch({"PRODUCTION_DATABASE_URL": self.application_url})

    def _archive_settings(self) -> dict[str, str]:
        """Return what the written procedure sets, with a command that puts segments into this cloud."""
        script = shutil.copy(ARCHIVE_SCRIPT, self.directory)  # where the server's account may read it
        return {
            "archive_mode": "on",
            "archive_command": f"bash {script} 127.0.0.1 {self.cloud.port} {BUCKET}/{WAL_PREFIX} %p %f",
            "archive_timeout": f"{ARCHIVE_TIMEOUT_S}s",
        }

    def _start_warehouse(self) -> None:
        self.cluster.start()
        self.cluster.create_database(DATABASE)
        seed(self.application_url, self.bags)
        if not self.fleet:
            self.start_application()
