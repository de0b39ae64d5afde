"""After a run that touched the application its users' way through it is part of the proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.recovery.action import Memory, World
from bot.recovery.registry import all_actions, read_parameters
from bot.recovery.verification import verify_as_user
from bot.sandbox.demo_policy import write_demo_policy
from bot.store.documents import Proof
from tests.stage_fixtures import SharedStage

APPLICATION = "traitortrack"


@pytest.fixture
def world(fresh_stage: SharedStage, tmp_path: Path) -> World:
    _, policy = write_demo_policy(tmp_path, fresh_stage.stage.warehouse_url)
    return World(policy, fresh_stage.stage.environment(), utc_now)


def test_all_is_good(world: World, fresh_stage: SharedStage) -> None:
    before = fresh_stage.count_bags()
    (verdict,) = verify_as_user(world, APPLICATION)
    assert (verdict.good, "Login" in verdict.found) == (True, True)
    assert fresh_stage.count_bags() == before, "the test bag is taken away again"


class Kept(Memory):
    """Dies once, as soon as it has kept what was made."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.dies = True

    def recall(self, name: str) -> str | None:
        return self.values.get(name)

    def keep(self, name: str, value: str) -> None:
        self.values[name] = value
        if self.dies:
            raise KeyboardInterrupt


def test_what_was_made_before_a_crash_is_taken_away_after_it(world: World, fresh_stage: SharedStage) -> None:
    before, memory = fresh_stage.count_bags(), Kept()
    with pytest.raises(KeyboardInterrupt):
        verify_as_user(world, APPLICATION, memory)
    assert fresh_stage.count_bags() == before + 1, "it died with its bag in there"
    memory.dies = False
    (verdict,) = verify_as_user(world, APPLICATION, memory)
    assert (verdict.good, fresh_stage.count_bags()) == (True, before)
    assert list(memory.values.values()) == ["{}"]


def test_what_fails_makes_the_proof_bad_and_what_follows_is_not_known(world: World) -> None:
    wrong = World(world.policy, {**world.environment, "TRAITORTRACK_TEST_PASSWORD": "geheim-geheim"}, utc_now)
    verdicts = verify_as_user(wrong, APPLICATION)
    assert [(one.name, one.bad, one.unknown) for one in verdicts[:2]] == [
        ("As a user would: Login", True, False),
        ("As a user would: Dashboard statistics", False, True),
    ]
    assert not Proof(verdicts=verdicts, at=utc_now()).good
    assert "geheim" not in str(verdicts)


def test_without_a_test_user_it_is_not_known(world: World) -> None:
    (verdict,) = verify_as_user(World(world.policy, {}, utc_now), APPLICATION)
    assert (verdict.good, verdict.bad, verdict.unknown) == (False, False, True)
    assert "TRAITORTRACK_TEST_USER, TRAITORTRACK_TEST_PASSWORD is not set" in verdict.found
    (good,) = verify_as_user(world, APPLICATION)
    assert Proof(verdicts=[verdict, good], at=utc_now()).good, "the run itself is good"
    assert not Proof(verdicts=[verdict], at=utc_now()).good, "that nothing could be looked at proves nothing"


def test_an_action_that_does_not_touch_it_is_spared(world: World) -> None:
    assert verify_as_user(world, None) == []


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("restore_database", {"database": "traitortrack", "backup": "x"}),
        ("switch_database", {"database": "traitortrack", "instance": "a"}),
        ("restart_application", {"application": APPLICATION}),
        ("rds_failover", {"instance": "a"}),
    ],
)
def test_actions_say_which_application_they_touch(world: World, action: str, given: dict[str, str]) -> None:
    found = all_actions()[action]
    assert found.application(world, read_parameters(found, dict(given))) == APPLICATION
    backup = all_actions()["back_up_database"]
    assert backup.application(world, read_parameters(backup, {"database": "traitortrack"})) is None
