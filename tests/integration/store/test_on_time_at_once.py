"""Updates, publishing, snoozing and reminders at the same instant: none waits for another for ever, none is lost."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from bot.comms.wording import Wording
from bot.outcome import Refused
from bot.policy import load_policy
from bot.store.database import Database
from bot.store.tables import Bulletin, UpdateClock
from tests.integration.store.test_desk_at_once import PEOPLE, at_once
from tests.unit.comms.on_time import Office, Said

ROUNDS = 3


def test_everything_at_once(database: Database) -> None:
    office = Office(database, load_policy(None))
    number = office.declare("P1").id
    office.stand_still(minutes=10)

    def act(who: int) -> object:
        if who % 4 == 0:
            return office.desk.update(number, actor="mei", text=f"Update by {who}")
        if who % 4 == 1:
            with database.read() as session:
                newest = session.scalars(sa.select(Bulletin.id).order_by(Bulletin.id.desc()).limit(1)).one()
            return office.bulletins.publish(newest, person=office.person("priya"), wording=Wording())
        if who % 4 == 2:
            return office.updates.snooze(number, office.person("amara"), timedelta(minutes=50), f"Reason of {who}")
        remind_now(office)
        return None

    for _ in range(ROUNDS):
        at_once(act)  # what is not a refusal is raised here: a deadlock, say
        office.stand_still(minutes=40)
    assert len(office.ledger("incident.update")) == ROUNDS * PEOPLE // 4
    assert_none_doubled(office.said())


def test_a_reminder_that_is_run_at_once_by_several_is_said_once(database: Database) -> None:
    office = Office(database, load_policy(None))
    office.declare("P1")
    office.stand_still(minutes=10)
    at_once(lambda _: remind_now(office))
    assert_none_doubled(office.said())
    assert {key for one in office.said() for key in one.audiences} == set(office.policy.audiences)


def test_one_press_of_several_at_once_posts_the_update(database: Database) -> None:
    office = Office(database, load_policy(None))
    number = office.declare("P1").id
    office.wait(minutes=11)
    with database.read() as session:
        reminder = session.scalars(sa.text("SELECT id FROM notices WHERE kind = 'update_reminder'")).one()
    press = partial(office.updates.say_no_change, number, office.person("priya"), reminder)
    came = at_once(lambda _: press())
    assert sum(isinstance(one, Refused) for one in came) == PEOPLE - 1
    assert len(office.ledger("incident.update")) == 1


def remind_now(office: Office) -> None:
    """Every reminder that is next, as the workers would run them."""
    with office.database.read() as session:
        clocks = list(session.scalars(sa.select(UpdateClock).where(UpdateClock.stage != "done")))
    for clock in clocks:
        office.cadence.remind(clock.incident_id, clock.audience, clock.turn, clock.step)


def assert_none_doubled(said: list[Said]) -> None:
    seen = [(key, turn, one.step) for one in said for key, turn in one.data["turns"].items()]
    assert len(seen) == len(set(seen))
