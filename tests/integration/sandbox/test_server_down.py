"""A server that dies: users are served by the other one."""

from __future__ import annotations

import pytest

from bot.sandbox.scenarios import ScenarioFailed
from tests.fleets import servers_of
from tests.integration.rds.driver import wait_until
from tests.stage_fixtures import SharedStage


def test_a_server_dies_and_the_other_serves(fresh_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, servers = fresh_stage.stage, servers_of(fresh_stage.stage)
    with pytest.raises(ScenarioFailed, match="no servers of its own"):
        stage.pull("server-down")
    servers.reset()
    servers.revive()
    monkeypatch.setattr(stage, "fleet", servers.fleet)
    assert servers.failed in stage.pull("server-down")
    assert servers.state_of(servers.failed) == "running", "EC2 does not see it"
    wait_until("the balancer's notice", lambda: servers.fleet.list_states()[servers.failed] == "unhealthy")
    assert servers.answers()
    assert servers.well in stage.pull("server-down")
    assert not servers.fleet.running
    with pytest.raises(ScenarioFailed, match="down already"):
        stage.pull("server-down")
