"""Waiting: bad states end it at once, unknown ones and an AWS that is away do not, and patience has a limit."""

from __future__ import annotations

import pytest

from bot.systems.aws import AwsRefused, act
from bot.systems.outcomes import SystemCancelled, SystemFailed
from bot.systems.rds_changes import change_instance
from bot.systems.rds_waiting import BAD, Pace, Watch, wait_for_instance, wait_until_gone
from tests.integration.rds.conftest import PRIMARY, Aws

FULL = "full"


def watch(words: list[str], *, limit_s: float = 20) -> Watch:
    return Watch(Pace(0.1, limit_s), words.append)


@pytest.fixture
def full(aws: Aws) -> str:
    """An instance that can be held in any state."""
    aws.stage.cloud.adopt_rds_instance(FULL, None)
    return FULL


def test_bad_states_end_it(aws: Aws, full: str) -> None:
    for state, meaning in BAD.items():
        aws.stage.cloud.stick_rds_instance(full, None)
        aws.stage.cloud.stick_rds_instance(full, state)
        with pytest.raises(SystemFailed, match=f"{full} is {state}: {meaning}"):
            wait_for_instance(aws.rds, full, watch([]))


def test_unknown_states_are_waited_for_and_told(aws: Aws, full: str) -> None:
    aws.stage.cloud.stick_rds_instance(full, "being-polished")
    words: list[str] = []
    with pytest.raises(SystemFailed, match=r"Waited 1\.0 s for full"):
        wait_for_instance(aws.rds, full, watch(words, limit_s=1))
    assert set(words) == {"full is being-polished"}
    aws.stage.cloud.stick_rds_instance(full, None)


def test_aws_away_for_a_while_is_no_end(aws: Aws) -> None:
    aws.stage.cloud.fail("error", "DescribeDBInstances", times=5)  # as often as a call is repeated, and once more
    words: list[str] = []
    assert wait_for_instance(aws.rds, PRIMARY, watch(words)).status == "available"
    assert any("AWS does not answer" in one for one in words)


def test_called_off(aws: Aws, full: str) -> None:
    aws.stage.cloud.stick_rds_instance(full, "being-polished")
    with pytest.raises(SystemCancelled):
        wait_for_instance(aws.rds, full, Watch(Pace(0.1, 20), lambda words: None, lambda: True))
    aws.stage.cloud.stick_rds_instance(full, None)


def test_vanished(aws: Aws) -> None:
    with pytest.raises(SystemFailed, match="is not there any more"):
        wait_for_instance(aws.rds, "never-was", watch([]))
    wait_until_gone(aws.rds, "never-was", watch([]))


def test_available_before_a_change_has_begun_is_not_taken_for_its_end(aws: Aws, full: str) -> None:
    change_instance(aws.rds, full, {"DBInstanceClass": "db.t3.xlarge"})
    assert aws.rds.observe(full).status == "available"
    done = wait_for_instance(aws.rds, full, watch([]), lambda one: one.instance_class == "db.t3.xlarge")
    assert done.instance_class == "db.t3.xlarge"


def test_throttled_for_good_is_refused_in_words(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.systems.aws.WAITS_S", (0.01, 0.01))
    aws.stage.cloud.fail("throttle", "RebootDBInstance", times=3)
    with pytest.raises(AwsRefused, match="refused to reboot") as refused:
        act("reboot", lambda: aws.rds.acting.reboot_db_instance(DBInstanceIdentifier=PRIMARY))
    assert "ask again in a minute" in refused.value.words
    assert not any(call["acted"] for call in aws.stage.cloud.calls("RebootDBInstance"))
