"""The playbooks of a region's outage and of the way home, played as a whole, every call to the first region cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg
import pytest

from bot.policy import default_policy_path
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.children import http_answers
from bot.sandbox.demo_policy import describe_host
from bot.sandbox.machines.disk import Disk
from bot.sandbox.machines.service import Service, read_environment
from bot.sandbox.machines.supervisor import Supervisor
from bot.sandbox.ports import free_port
from bot.sandbox.primary_instance import DATABASE_URL_SECRET, GROUP, OTHER_SECRETS, PRIMARY, SECOND_REGION
from bot.sandbox.repositories import run_git
from bot.sandbox.stage import Stage
from bot.store.tables import PlaybookRun, PlaybookTask
from bot.systems.rds import Rds
from tests.crash.rig import Rig, open_rig
from tests.crash.scenes_of_names import adapt as lead_names
from tests.crash.scenes_of_names import start_afresh
from tests.integration.dns.conftest import AWAY, BACKUP, HOME, NAME, TOKEN
from tests.integration.rds.driver import hasten, wait_until
from tests.integration.recovery.test_playbooks import start
from tests.stage_fixtures import SharedStage

REPLICA = "traitortrack-replica-1"
STANDBY = "traitortrack_backup"
REGION = "us-east-1"
ANY = 1_000_000
ENDED = ("done", "stopped", "refused", "paused")


@dataclass
class Regions:
    """A bot, the application at home and its standby in the second region, and the name that leads to one of them."""

    rig: Rig
    standby: Service
    record: dict[str, object]

    @property
    def stage(self) -> Stage:
        return self.rig.shared.stage

    def count(self, service: Service) -> int:
        """Bags in the database that an application has in its environment file."""
        with psycopg.connect(read_environment(service.disk)["PRODUCTION_DATABASE_URL"]) as connection:
            row = connection.execute("SELECT count(*) FROM bag").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def regions(tmp_path: Path) -> Iterator[Regions]:
    with ExitStack() as stack:
        stage = stack.enter_context(Stage(bags=300, bags_per_s=0))
        for name, value in stage.cloud.environment().items():
            stack.enter_context(pytest.MonkeyPatch.context()).setenv(name, value)
        stage.adopt_primary()
        stage.cloud.change_pace(time_scale=0.3)
        prepare_second_region()
        standby = stack.enter_context(run_standby(stage, tmp_path / "standby"))
        account = start_afresh()
        record = account.put_record({"type": "A", "name": NAME, "content": HOME, "ttl": 60})
        account.put_record({"type": "A", "name": BACKUP, "content": AWAY, "ttl": 60})

        def adapt(path: Path) -> None:
            describe_standby(path, standby)
            hasten(path, restart="30 seconds")

        rig = stack.enter_context(open_rig(SharedStage(stage), tmp_path, adapt=adapt, CLOUDFLARE_API_TOKEN=TOKEN))
        rig.start_and_wait()
        yield Regions(rig, standby, record)


def prepare_second_region() -> None:
    """What is there before anything happens: a replica of the primary, and of every secret."""
    arn = str(Rds(REGION).observe(PRIMARY).description["DBInstanceArn"])
    Rds(SECOND_REGION).acting.create_db_instance_read_replica(
        DBInstanceIdentifier=REPLICA, SourceDBInstanceIdentifier=arn, SourceRegion=REGION, DBSubnetGroupName=GROUP
    )
    wait_until("the replica", lambda: Rds(SECOND_REGION).observe(REPLICA).status == "available")
    for name in (DATABASE_URL_SECRET, *OTHER_SECRETS):
        boto3.client("secretsmanager", region_name=REGION).replicate_secret_to_regions(
            SecretId=name, AddReplicaRegions=[{"Region": SECOND_REGION}]
        )


@contextmanager
def run_standby(stage: Stage, root: Path) -> Iterator[Service]:
    """The same application on a machine of its own; until it is told its database it has that of home."""
    disk = Disk(root)
    disk.make()
    service = Service(disk, free_port(), bags_per_s=0, environment={"PRODUCTION_DATABASE_URL": stage.application_url})
    supervisor = Supervisor(disk.init_socket, service)
    try:
        service.start()
        service.wait_until(lambda: http_answers(service.health_url), "healthy", 30)
        yield service
    finally:
        supervisor.close()
        service.stop()


def describe_standby(path: Path, standby: Service) -> None:
    """As the shipped policy has it, but for addresses and folders."""
    text = load_plain(path)
    shipped = load_plain(default_policy_path())["applications"][STANDBY]
    named = {name: str(folder) for name, folder in standby.disk.folders.items() if name in shipped}
    shipped |= {**named, "url": standby.health_url.removesuffix("/health")}
    shipped["verification"]["quiet_for"] = "1 second"
    text["applications"][STANDBY] = shipped
    text["hosts"]["standby_1"] = {**describe_host(standby.disk.init_socket), "application": STANDBY}
    lead_names(text)
    text["infrastructure"]["dns"]["primary_records"] = {"A": HOME}
    dump_plain(path, text)


def play(regions: Regions, key: str) -> PlaybookRun:
    """Do what people do: confirm what is theirs, approve every plan; until it is done, or nothing goes on."""
    rig = regions.rig
    incident = rig.declare(key)
    run = start(rig, incident, key)

    def push() -> PlaybookRun | None:
        found = rig.services.playbooks.find(run.id)
        if found.state in ENDED:
            return found
        for task in tasks_of(rig, run):
            if task.state == "asked" and task.definition.action is None:
                rig.services.playbooks.steering.confirm(run.id, task.index, rig.person("mei"))
            elif task.state == "asked" and task.plan_id:
                approve(rig, task.plan_id)
        return None

    return rig.wait(f"the end of {key}", push)


def approve(rig: Rig, plan_id: int) -> None:
    for person in ("amara", "mei"):
        plan = rig.services.plans.find(plan_id)
        if plan.state != "pending" or plan.document is None:
            return
        typed = plan.document.confirm
        rig.services.approvals.decide(plan.id, plan.hash, rig.person(person), "approve", typed=typed)


def tasks_of(rig: Rig, run: PlaybookRun) -> list[PlaybookTask]:
    return rig.services.playbooks.list_tasks(run.id)


def told(rig: Rig, run: PlaybookRun) -> str:
    lines = [f"{task.index + 1} {task.definition.title}: {task.state}: {task.words}" for task in tasks_of(rig, run)]
    return "\n".join([run.words, *lines, rig.bot.log_tail()])


def lead_main(stage: Stage, tag: str) -> None:
    """The newest release of the sandbox's history is a bad one."""
    for name in ("github.git", "gitlab.git"):
        run_git(stage.disk.git_folder / name, "update-ref", "refs/heads/main", f"refs/tags/{tag}")


@pytest.mark.timeout(400)
def test_away_and_home_again(regions: Regions) -> None:
    """The first region is gone, with its database; nothing of it is needed. Then it is back, and all goes home."""
    rig, stage = regions.rig, regions.stage
    stage.make_repositories()
    lead_main(stage, "v1.2.0")
    stage.cloud.fail("cut", region=REGION, times=ANY)
    stage.warehouse.stop()
    stage.cluster.kill()
    away = play(regions, "region_outage")
    assert away.state == "done", told(rig, away)
    states = [task.state for task in tasks_of(rig, away)]
    assert states == ["done", "needless", "done", "needless", "done", "done", "done", "done"], told(rig, away)
    assert Rds(SECOND_REGION).observe(REPLICA).source is None
    assert regions.count(regions.standby) == 300
    assert (regions.standby.disk.current / "main.py").exists()
    assert regions.record["content"] == AWAY

    lead_main(stage, "v1.3.0")
    stage.cloud.stop_failing()
    stage.cluster.start()
    stage.start_application()
    with psycopg.connect(read_environment(regions.standby.disk)["PRODUCTION_DATABASE_URL"]) as connection:
        connection.execute("INSERT INTO bag (tag, destination, weight_grams) VALUES ('made-away', 'FRA', 1)")
    home = play(regions, "region_return")
    assert home.state == "done", told(rig, home)
    assert {task.state for task in tasks_of(rig, home)} == {"done"}
    assert regions.count(stage.warehouse) == 301
    assert regions.record["content"] == HOME
    names = [one.current.resolve().name for one in (stage.disk, regions.standby.disk)]
    assert names[0] == names[1], "home gets what ran away, not what has come to the branch since"
    rig.assert_sound()
