"""Code on two hosts of which one is dead, or which a deployment has left different: what goes on, and what is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.outcome import Failed, Refused
from bot.recovery.action import Context, Needless
from bot.recovery.registry import find_action
from bot.sandbox.children import http_answers
from bot.sandbox.demo_policy import describe_host
from bot.sandbox.machines.disk import Disk
from bot.sandbox.machines.service import Service
from bot.sandbox.machines.supervisor import Supervisor
from bot.sandbox.ports import free_port
from bot.sandbox.repositories import run_git
from tests.elsewhere import python_elsewhere
from tests.integration.hosts.code_desk import Desk
from tests.releases import clear_code, lay_releases
from tests.stage_fixtures import SharedStage

DEAD = ["/nowhere/python"]
DEPLOY = find_action("deploy_code")


class TwoHosts:
    """The stage's machine, and a second one with the same releases and an application of its own."""

    def __init__(self, desk: Desk, disk: Disk, service: Service) -> None:
        self.desk, self.disk, self.service = desk, disk, service
        self.python = python_elsewhere(disk.root, desk.stage.disk.install_folder, disk.install_folder)
        self.host = describe_host(disk.init_socket)
        self.answer()

    def answer(self, **commands: list[str]) -> None:
        """The second one is there, with other commands where some are given."""
        told = {**self.host["commands"], "python": self.python, **commands}

        def alter(text: dict[str, Any]) -> None:
            text["hosts"]["app_2"] = {**self.host, "title": "The second", "commands": told}

        self.desk.change(alter)

    def die(self) -> None:
        self.answer(python=DEAD)

    def has(self) -> tuple[str, str]:
        """What each has."""
        return self.desk.stage.disk.current.resolve().name, self.disk.current.resolve().name

    def starts(self) -> tuple[int, int]:
        return self.desk.stage.warehouse.starts, self.service.starts


@pytest.fixture
def two(fresh_stage: SharedStage, tmp_path: Path) -> Iterator[TwoHosts]:
    stage = fresh_stage.stage
    with ExitStack() as stack:
        stack.callback(clear_code, stage)
        lay_releases(stage, "v1.1.0", "v1.2.0")
        disk = Disk(tmp_path / "second")
        disk.make()
        shutil.copytree(stage.disk.install_folder, disk.install_folder, symlinks=True, dirs_exist_ok=True)
        disk.current.unlink()
        disk.current.symlink_to(f"releases/{stage.disk.current.resolve().name}")
        environment = {"PRODUCTION_DATABASE_URL": stage.application_url}
        service = Service(disk, free_port(), bags_per_s=0, environment=environment)
        supervisor = Supervisor(disk.init_socket, service)
        stack.callback(service.stop)
        stack.callback(supervisor.close)
        service.start()
        service.wait_until(lambda: http_answers(service.health_url), "healthy", 30)
        yield TwoHosts(Desk(stage, tmp_path), disk, service)


def lead(two: TwoHosts, tag: str) -> None:
    """The branch `stable` is at a tag; v1.1.0 and v1.2.0 are on the hosts, so that nothing need be installed."""
    for name in ("github.git", "gitlab.git"):
        run_git(two.desk.stage.disk.git_folder / name, "update-ref", "refs/heads/stable", f"refs/tags/{tag}")


def go_on(two: TwoHosts, context: Context[Any], *, tried: bool = True) -> list[str]:
    """What keeps the run from going on."""
    context.world = two.desk.world
    return DEPLOY.look_again(two.desk.world, context.parameters, context.plan.observed, tried=tried)


def test_a_half_done_deploy_goes_on_where_it_stopped(two: TwoHosts) -> None:
    """One host is switched, the other would not restart; meanwhile the branch has gone on, and Git went away."""
    two.answer(restart=["false"])
    lead(two, "v1.1.0")
    context = two.desk.plan("deploy_code", revision="stable")
    with pytest.raises(Failed, match="The second was not restarted"):
        two.desk.carry_out("deploy_code", context)
    DEPLOY.clean_up(context)
    name = str(context.plan.observed["name"])
    before = context.plan.observed["running"]
    assert isinstance(before, dict)
    assert two.has() == (name, before["app_2"]), "half done"
    lead(two, "v1.3.0")
    two.answer()
    assert go_on(two, context, tried=False) != [], "a run that never began asks for a new plan"
    gone = (two.desk.folder / "gone.git").as_uri()
    two.desk.change(lambda text: text["infrastructure"]["code"].update(primary=gone, mirror=gone))
    assert go_on(two, context) == []
    context.outputs = {}
    evidence = two.desk.carry_out("deploy_code", context)
    assert {one.found for one in evidence.verdicts if one.name == "Release"} == {"on 2"}
    assert two.has() == (name, name)


def test_a_dead_host_is_left_out_and_everybody_is_told(two: TwoHosts) -> None:
    """The way back from a bad release is open, and what must be done with the dead host later is said."""
    two.die()
    starts = two.starts()
    context = two.desk.plan("deploy_code", revision="v1.1.0")
    assert context.plan.title.endswith(", WITHOUT The second")
    assert context.plan.notes[0].startswith("LEFT OUT: The second does not answer (")
    again = f"`/dr plan deploy_code traitortrack revision={context.plan.observed['revision']}`"
    assert again in context.plan.notes[0]
    assert context.plan.downtime.seconds != 0, "nobody serves beside the one that is left"
    evidence = two.desk.carry_out("deploy_code", context)
    told = next(one for one in evidence.verdicts if one.name == "The second")
    assert (told.unknown, "not deployed there" in told.found) == (True, True)
    name, old = two.has()
    assert (name != old, two.starts()) == (True, (starts[0] + 1, starts[1]))
    with pytest.raises(Refused, match="What The second has is not known") as unknown:
        two.desk.plan("deploy_code", revision="v1.1.0")
    assert not isinstance(unknown.value, Needless), "a playbook must not go on as if both had it"

    two.answer()
    context.world = two.desk.world
    back = next(one for one in DEPLOY.verify(context).verdicts if one.name == "The second")
    assert (back.bad, f"has {old}" in back.found) == (True, True), "it came back with its old code"
    later = two.desk.plan("deploy_code", revision="v1.1.0")
    assert later.plan.notes[-1].endswith("before the next: The second."), "the other stays as it is"
    two.desk.carry_out("deploy_code", later)
    assert (two.has(), two.starts()) == ((name, name), (starts[0] + 1, starts[1] + 1))
