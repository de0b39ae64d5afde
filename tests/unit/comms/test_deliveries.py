"""Deliveries: said once and in order, shown as of now, tried again ever more seldom, given up after a day."""

from __future__ import annotations

from itertools import pairwise

import sqlalchemy as sa

from bot.comms.deliveries import GIVE_UP_AFTER, LONGEST_DELAY_S
from bot.store.tables import LedgerEntry
from tests.unit.comms.conftest import Post


def test_a_notice_is_said_once(post: Post) -> None:
    for _ in range(3):
        post.say("one")
        post.work()
    assert post.recipient.said == ["one"]
    assert post.states() == ["sent"]


def test_what_could_not_be_said_is_said_later_once_and_in_order(post: Post) -> None:
    """Each has its own back-off, yet nobody hears the second thing before the first."""
    post.recipient.down = True
    for number in range(4):
        post.say(f"n{number}")
        post.work()
        post.pass_time(1.5)
    post.recipient.down = False
    post.say("news")
    post.work()
    post.pass_time(30)
    assert post.recipient.said == ["n0", "n1", "n2", "n3", "news"]
    assert set(post.states()) == {"sent"}


def test_other_recipients_are_not_held_up(post: Post) -> None:
    post.recipient.down = True
    post.say("stuck")
    post.work()
    post.recipient.down = False
    post.say("elsewhere", to="channel:there")
    post.work()
    assert post.recipient.said == ["elsewhere"]


def test_tries_come_ever_more_seldom_and_end_after_a_day(post: Post) -> None:
    post.recipient.down = True
    post.say("one")
    post.work()
    post.pass_time(GIVE_UP_AFTER.total_seconds() + 2 * LONGEST_DELAY_S, step_s=60)
    tries = post.recipient.tries
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(tries[9:])]
    assert gaps == sorted(gaps)
    assert max(gaps) <= LONGEST_DELAY_S + 60
    assert post.states() == ["failed"]
    with post.database.read() as session:
        failed = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.kind == "delivery.failed")).all()
    assert len(failed) == 1
    assert "given up after a day" in failed[0].text
    before = len(tries)
    post.pass_time(4000, step_s=100)
    assert len(tries) == before


def test_the_far_side_says_when_to_come_back(post: Post) -> None:
    post.recipient.down, post.recipient.retry_after_s = True, 30.0
    post.say("one")
    post.work()
    post.pass_time(29)
    assert len(post.recipient.tries) == 1
    post.recipient.down = False
    post.pass_time(2)
    assert post.recipient.said == ["one"]


def test_a_refusal_is_recorded_once_and_repeated_only_for_something_new(post: Post) -> None:
    post.recipient.refusal = "is_archived"
    post.say("one")
    post.work()
    post.pass_time(600, step_s=10)
    assert (post.states(), post.recipient.said, len(post.recipient.tries)) == (["failed"], [], 1)
    post.refresh("one")
    post.pass_time(600, step_s=10)
    with post.database.read() as session:
        entry = session.scalars(sa.select(LedgerEntry)).one()
    assert "Could not deliver “test” to #here: is_archived" in entry.text
    post.recipient.refusal = ""
    post.refresh("one")
    post.pass_time(10)
    assert (post.states(), post.recipient.said) == (["sent"], ["one"])


def test_many_changes_are_few_updates_and_the_last_is_always_shown(post: Post) -> None:
    post.say("one")
    post.work()
    for _ in range(50):
        post.refresh("one")
        post.work()
        post.pass_time(0.1, step_s=0.1)
    post.pass_time(3)
    assert post.recipient.shown == {1: 51}
    assert 3 <= len(post.recipient.tries) <= 8, "five seconds of changes"
    assert post.recipient.said == ["one"]


def test_the_first_change_is_shown_at_once_and_the_next_is_not(post: Post) -> None:
    post.say("one")
    post.work()
    for shown in (2, 2):
        post.refresh("one")
        post.work()
        assert post.recipient.shown == {1: shown}
    post.pass_time(3)
    assert post.recipient.shown == {1: 3}


def test_a_change_while_the_far_side_is_down_is_shown_when_it_is_back(post: Post) -> None:
    post.say("one")
    post.work()
    post.pass_time(5)
    post.recipient.down = True
    for _ in range(3):
        post.refresh("one")
        post.work()
        post.pass_time(2)
    post.recipient.down = False
    post.pass_time(60)
    assert post.recipient.shown == {1: 4}
    assert post.states() == ["sent"]


def test_a_process_killed_while_sending_says_that_it_may_have_been_said(post: Post) -> None:
    post.say("one")
    parcel = post.deliveries._begin(1)
    assert parcel is not None
    assert not parcel.may_have_been_sent
    again = post.deliveries._begin(1)
    assert again is not None
    assert again.may_have_been_sent, "who sends must look for it first"


def test_a_clock_that_is_set_back_hides_no_change(post: Post) -> None:
    post.say("one")
    post.work()
    post.refresh("one")
    post.work()
    post.clock.turn(seconds=-3600)
    post.pass_time(3700, step_s=10)
    post.refresh("one")
    post.work()
    post.pass_time(5)
    assert post.recipient.shown == {1: 3}
