"""A server that dies: users are served by the other one, and the document's Scenario 2 brings the number back."""

from __future__ import annotations

import pytest

from bot.sandbox.demo import open_sandbox
from bot.sandbox.scenarios import ScenarioFailed
from bot.sandbox.stories import play
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


@pytest.mark.timeout(400)
def test_scenario_2_from_detection_to_post_mortem() -> None:
    """Every verdict is good, among them that each phase of the document was measured."""
    with open_sandbox(bags=500, furnished=False) as sandbox:
        story = play(sandbox, "server-down", ready_s=0.0)
    assert story.good, [verdict for verdict in story.verdicts if not verdict.good]
