"""Scenes of a security incident on the stage's servers: nothing is taken twice, and nobody is shut off by halves."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bot.store.tables import Run
from tests.crash.rig import Rig
from tests.crash.scenes import Scene
from tests.fleets import Servers, servers_of
from tests.isolation import count_snapshots, give_back, groups_of, name_wall, wall_of
from tests.stage_fixtures import SharedStage

ACTIONS = ("isolate_host", "snapshot_evidence")


def name_isolation_group(shared: SharedStage, path: Path) -> None:
    """Put it into the policy file of a bot."""
    name_wall(servers_of(shared.stage), path)


def snapshot_evidence(_stack: ExitStack, shared: SharedStage) -> Scene:
    """One snapshot of each volume, whoever died; what a cancelled run has taken stays."""
    servers = _open(shared)
    before = count_snapshots(servers)

    def done(rig: Rig, run: Run) -> None:
        assert count_snapshots(servers) - before == 1

    def untouched(rig: Rig, run: Run) -> None:
        assert count_snapshots(servers) - before <= 1

    return Scene({"host": "app_1"}, done, untouched)


def isolate_host(stack: ExitStack, shared: SharedStage) -> Scene:
    servers = _open(shared)
    wall, before = wall_of(servers), groups_of(servers, servers.failed)
    stack.callback(give_back, servers, before)

    def done(rig: Rig, run: Run) -> None:
        assert groups_of(servers, servers.failed) == [wall]
        assert servers.failed not in servers.list_members()

    def untouched(rig: Rig, run: Run) -> None:
        assert groups_of(servers, servers.failed) == before

    return Scene({"host": "app_1"}, done, untouched, good=False)  # until the new one is healthy


def _open(shared: SharedStage) -> Servers:
    servers = servers_of(shared.stage)
    servers.reset()
    return servers
