"""The built-in prober: three bad answers in a row, a minute apart, are an alert; a good one resolves it."""

from __future__ import annotations

import pytest

from bot.alerts.prober import WORKFLOW, health_url
from bot.store.tables import Probe
from tests.unit.alerts.conftest import SHIPPED, Monitoring, Start, make_policy

URL = health_url(SHIPPED.applications["traitortrack"])


@pytest.fixture
def here(start: Start) -> Monitoring:
    """The shipped policy: every 60 seconds, 3 failures."""
    here = start(SHIPPED)
    here.prober.start()
    return here


def fail(here: Monitoring, minutes: int) -> None:
    here.healthy[URL] = False
    here.pass_time(minutes * 60, 20)


def test_three_failures_in_a_row_are_an_alert(here: Monitoring) -> None:
    here.pass_time(120, 20)
    fail(here, 2)
    assert here.kept() == []
    fail(here, 1)
    alert = here.kept()[0]
    assert (alert.source, alert.state, alert.title) == ("prober", "firing", "TraitorTrack fails its health check")
    assert alert.text == f"3 bad answers in a row. {URL}: 503 <!channel> down"
    assert (here.groups()[0].title, here.groups()[0].rule) == ("TraitorTrack fails its health check", "health_check")
    assert len(here.notices("alert_card")) == 1
    assert here.incidents() == []


def test_failures_that_are_not_in_a_row_are_none(here: Monitoring) -> None:
    for _ in range(4):
        fail(here, 2)
        here.healthy[URL] = True
        here.pass_time(60, 20)
    assert here.kept() == []


def test_it_says_so_once_and_again_when_all_is_well(here: Monitoring) -> None:
    fail(here, 10)
    assert [(one.state, one.received) for one in here.kept()] == [("firing", 1)]
    here.healthy[URL] = True
    here.pass_time(60, 20)
    assert [one.state for one in here.kept()] == ["resolved"]
    fail(here, 4)
    assert [(one.state, one.group_id) for one in here.kept()] == [("firing", 1)]


def test_there_is_one_chain_however_often_bots_start(start: Start) -> None:
    here = start(SHIPPED)
    for second in range(300):
        if second % 7 == 0:
            here.prober.start()
        here.pass_time(1)
    assert here.queue.count(WORKFLOW) == 6
    assert len([one for one in here.queue.waiting if one[1] == WORKFLOW]) == 1


def test_nothing_piles_up_while_the_bot_is_down(here: Monitoring) -> None:
    here.pass_time(60, 20)
    before = here.queue.count(WORKFLOW)
    here.clock.turn(hours=5)
    here.prober.start()
    here.queue.work()
    here.pass_time(120, 20)
    assert here.queue.count(WORKFLOW) - before <= 4
    assert len([one for one in here.queue.waiting if one[1] == WORKFLOW]) == 1


def test_a_look_that_is_run_again_counts_once(here: Monitoring) -> None:
    fail(here, 1)
    slot = int(here.clock().timestamp()) // 60 * 60
    for _ in range(5):
        here.prober.probe(slot)
    with here.database.read() as session:
        assert session.get_one(Probe, "traitortrack").failures == 1
    assert here.kept() == []


def test_two_chains_become_one(start: Start) -> None:
    """Whatever was left by a policy with another interval ends in the same slot."""
    here = start(make_policy(prober={"every": "20 seconds", "failures": 3}))
    here.prober.start()
    here.pass_time(30, 10)
    here = start(SHIPPED)
    here.prober.start()
    here.pass_time(300, 10)
    assert len([one for one in here.queue.waiting if one[1] == WORKFLOW]) == 1


def test_without_a_word_in_the_policy_nothing_is_asked(start: Start) -> None:
    here = start(SHIPPED)
    here.prober.start()
    here = start(make_policy(prober=None))
    here.prober.start()
    here.pass_time(180, 20)
    assert [one for one in here.queue.waiting if one[1] == WORKFLOW] == []
    with here.database.read() as session:
        assert session.get(Probe, "traitortrack") is None
