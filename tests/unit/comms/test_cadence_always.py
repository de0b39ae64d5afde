"""Whatever people do, and however often the bot is killed: each reminder exactly when the policy says, once.

The days of an incident are lived through on the real store and, beside it, told by a plain account of the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.outcome import Refused
from bot.policy import Policy, SeverityName, cadence_for, load_policy
from bot.store.database import Database
from bot.store.tables import Incident
from tests.integration.store.stores import empty_store, open_store
from tests.unit.comms.on_time import Office

BEFORE, AFTER, LONGEST = timedelta(minutes=5), timedelta(minutes=5), timedelta(hours=4)
Reminder = tuple[str, datetime, int]
BEGINNINGS = [
    datetime(2026, 3, 6, 23, 0, tzinfo=UTC),  # clocks are put forward in New York in the night to the 8th
    datetime(2026, 10, 30, 22, 0, tzinfo=UTC),  # and back in the night to the 1st
    datetime(2026, 12, 31, 20, 0, tzinfo=UTC),  # the year ends, and a holiday begins
    datetime(2026, 6, 17, 12, 0, tzinfo=UTC),
]
DEEDS = ["update", "publish", "P1", "P2", "P3", "P4", "snooze 20", "snooze 120", "snooze 1", "resolve"]


@dataclass
class Hand:
    """One audience's clock by the account."""

    stage: str
    since: datetime
    due: datetime
    begun: datetime
    deed: int
    """What somebody did that began it; of what the same deed begins and ends nothing is heard."""
    first_step: int = 0


@dataclass
class Account:
    """The rules again, told minute by minute with neither store nor workflows."""

    policy: Policy
    severity: SeverityName
    now: datetime
    hands: dict[str, Hand] = field(default_factory=dict)
    said: list[Reminder] = field(default_factory=list)
    resolved: bool = False
    draft: set[str] = field(default_factory=set)
    deed: int = 0

    def declare(self) -> None:
        for key in self.told:
            self.wind(key, "first", self.now)
        self.speak()

    @property
    def told(self) -> list[str]:
        return self.policy.severities[self.severity].audiences

    def speak(self) -> None:
        """A bulletin: those within hear at once, the public has a draft."""
        for key in self.told:
            if not self.policy.audiences[key].public:
                self.hear(key)
        self.draft = {key for key in self.told if self.policy.audiences[key].public}

    def hear(self, key: str) -> None:
        if key in self.told and self.resolved:
            self.stop(key)
        elif key in self.told:
            self.wind(key, "ongoing", self.now)

    def wind(self, key: str, stage: str, since: datetime, earliest: datetime | None = None) -> None:
        self.stop(key)
        due = self.find_due(key, stage, since)
        self.hands[key] = Hand(stage, since, max(due, earliest or due), self.now, self.deed)

    def find_due(self, key: str, stage: str, since: datetime) -> datetime:
        cadence = cadence_for(self.policy.severities[self.severity], key)
        if stage == "resolution" and cadence.resolution.within is None:
            return next_opening(since)
        spans = {"first": cadence.first_update, "ongoing": cadence.ongoing, "resolution": cadence.resolution.within}
        span = spans[stage]
        assert span is not None
        return since + span

    def stop(self, key: str) -> None:
        """What it reminded of until now is said; nothing more follows."""
        hand = self.hands.pop(key, None)
        if hand and hand.deed != self.deed:
            self.said += [(key, at, step) for at, step in self.list_reminders(key, hand) if at <= self.now]

    def list_reminders(self, key: str, hand: Hand) -> Iterator[tuple[datetime, int]]:
        """As far as they can matter here."""
        times = [hand.due - BEFORE, hand.due, hand.due + AFTER]
        if hand.stage != "resolution":
            ongoing = cadence_for(self.policy.severities[self.severity], key).ongoing
            times += [hand.due + AFTER + n * ongoing for n in range(1, 400)]
        for step, at in enumerate(times):
            if step >= hand.first_step:
                yield max(at, hand.begun), step

    def change(self, severity: SeverityName) -> None:
        before = self.severity
        # What was said until now went by the old severity.
        hands = {key: Hand(**vars(hand)) for key, hand in self.hands.items()}
        for key in list(self.hands):
            self.stop(key)
        self.severity = severity
        for key, hand in hands.items():
            if key in self.told:
                self.wind(key, hand.stage, hand.since, earliest=self.now)
        for key in self.told:
            if key not in hands:
                self.wind(key, "first", self.now)
        assert before != severity
        self.speak()

    def snooze(self, lasting: timedelta) -> None:
        until = self.now + lasting
        meant = {key: hand for key, hand in self.hands.items() if hand.due < until}
        latest = [self.find_due(key, hand.stage, hand.since) + LONGEST for key, hand in meant.items()]
        if not meant or until > min(latest):
            return
        for key, hand in meant.items():
            self.stop(key)
            first_step = 1 if until - BEFORE <= self.now else 0
            self.hands[key] = Hand(hand.stage, hand.since, until, self.now, self.deed, first_step)

    def resolve(self) -> None:
        self.resolved = True
        for key in self.told:
            self.wind(key, "resolution", self.now)
        self.speak()

    def publish(self) -> None:
        for key in self.draft:
            self.hear(key)
        self.draft = set()


def next_opening(since: datetime) -> datetime:
    """Nine in the morning in New York, by hand: the days off around the beginnings above."""
    off = {"2027-01-01", "2026-06-19", "2026-11-11", "2026-11-26"}
    day = since.astimezone(ZoneInfo("America/New_York")).replace(hour=9, minute=0, second=0, microsecond=0)
    while True:
        day += timedelta(days=1)
        if day.weekday() < 5 and f"{day:%Y-%m-%d}" not in off:
            return day.astimezone(UTC)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('always') / 'holdfast.db'}") as database:
        yield database


def make_policy() -> Policy:
    return load_policy(None).model_copy(update={"time_zone": "America/New_York"})


POLICY = make_policy()
GAPS = st.sampled_from([0, 5, 10, 15, 20, 30, 55, 60, 115, 240, 24 * 60])


@given(
    st.sampled_from(BEGINNINGS),
    st.sampled_from(["P1", "P2", "P3", "P4"]),
    st.lists(st.tuples(GAPS, st.sampled_from(DEEDS)), max_size=8),
    st.integers(1, 3),
)
@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_each_reminder_exactly_when_the_policy_says(
    database: Database, begins: datetime, severity: SeverityName, deeds: list[tuple[int, str]], times: int
) -> None:
    empty_store(database)
    office, account = Office(database, POLICY), Account(POLICY, severity, begins)
    office.clock.now, office.times = begins, times
    incident = office.declare(severity)
    account.declare()
    for gap, deed in [*deeds, (8 * 60, "end")]:
        office.wait(minutes=gap)
        account.now = office.clock()
        account.deed += 1
        act(office, account, incident, deed)
    for key in list(account.hands):
        account.stop(key)
    said = [(key, one.at, one.step) for one in office.said() for key in one.audiences]
    assert Counter(said) == Counter(account.said)


def act(office: Office, account: Account, incident: Incident, deed: str) -> None:
    """The same in the office and in the account."""
    if deed == "publish":
        if office.publish(incident):
            account.publish()
    elif deed.startswith("snooze"):
        lasting = timedelta(minutes=int(deed.split()[1]) * 5)
        account.snooze(lasting)
        try:
            office.updates.snooze(incident.id, office.person("priya"), lasting, "the vendor")
        except Refused:
            return
    elif account.resolved:
        return
    elif deed == "update":
        office.desk.update(incident.id, actor="mei", text="Restoring.")
        account.speak()
    elif deed == "resolve":
        office.desk.resolve(incident.id, actor="mei")
        account.resolve()
    elif deed in ("P1", "P2", "P3", "P4") and deed != account.severity:
        account.change(deed)  # type: ignore[arg-type]
        office.change(incident, "severity", severity=deed)


@given(st.integers(0, 600), st.sampled_from(["P1", "P2", "P3"]), st.lists(st.integers(1, 300), max_size=4))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_standstill_loses_nothing_and_doubles_nothing(
    database: Database, early: int, severity: str, standstills: list[int]
) -> None:
    empty_store(database)
    office = Office(database, POLICY)
    incident = office.declare(severity)
    office.wait(minutes=early)
    for lasting in standstills:
        office.stand_still(minutes=lasting)
        office.wait(minutes=7)
    office.wait(hours=5)
    said = [(key, one.step) for one in office.said() for key in one.audiences]
    assert max(Counter(said).values(), default=1) == 1
    for key in {audience for audience, _ in said}:
        steps = sorted(step for audience, step in said if audience == key)
        assert steps[:3] == [0, 1, 2], "the one responsible, the channel, the next one up the line"
    assert {key for key, _ in said} == set(POLICY.severities[incident.severity].audiences)
