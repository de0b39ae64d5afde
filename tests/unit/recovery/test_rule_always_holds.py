"""Whatever people press, in whatever order: no run starts unless the policy is satisfied.

The oracle knows nothing of how approvals are counted. It remembers who pressed and what was in whose hands then, and
looks for any way at all in which the presses could stand for enough different people who may approve now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bot.outcome import Refused
from bot.policy import Policy
from bot.store.database import Database
from bot.store.tables import Plan, Run
from tests.integration.store.stores import empty_store, open_store
from tests.unit.recovery.ballot import REASON, SHIPPED, TARGET, Ballot, change_rule, make_document, make_policy

PEOPLE = tuple(person["key"] for person in SHIPPED["people"])
MAY = ["dr_coordinator", "database_admin", "devops_engineer", "security_officer"]
GROUP = "dba-team"
NIGHT = "22:00-06:00"


@dataclass(frozen=True)
class Choice:
    """What is drawn of a policy, beside which the oracle needs nothing of it."""

    quorum: int
    roles: tuple[str, ...]
    people: tuple[str, ...]
    group: bool
    requester_counts: bool
    glass: tuple[str, ...]
    nights_off: bool

    def write(self) -> Policy:
        changed: dict[str, Any] = {
            "quorum": self.quorum, "roles": list(self.roles), "people": list(self.people),
            "groups": [GROUP] if self.group else [], "requester_may_approve": self.requester_counts,
        }  # fmt: skip
        glass = {"enabled": True, "roles": list(self.glass), "risks": ["high", "destructive"], "shortest_reason": 15}
        blackouts = [{"title": "Night", "window": NIGHT}] if self.nights_off else []
        return make_policy(
            approvals=change_rule("destructive", **changed), break_glass=glass, blackouts=blackouts, time_zone="UTC"
        )

    def roles_give(self, person: str) -> bool:
        held = next(set(one["roles"]) for one in SHIPPED["people"] if one["key"] == person)
        return bool(held & set(self.roles)) or person in self.people

    def is_night(self, moment: datetime) -> bool:
        return self.nights_off and not 6 <= moment.hour < 22

    @property
    def can_be(self) -> bool:
        """As far as a policy is checked at load."""
        eligible = len(PEOPLE) if self.group else sum(map(self.roles_give, PEOPLE))
        return eligible - (0 if self.requester_counts else 1) >= self.quorum


CHOICES = st.builds(
    Choice,
    quorum=st.sampled_from([2, 2, 2, 3, 1]),
    roles=st.lists(st.sampled_from(MAY), unique=True, max_size=2).map(tuple),
    people=st.lists(st.sampled_from(PEOPLE), unique=True, max_size=1).map(tuple),
    group=st.sampled_from([True, True, True, False]),
    requester_counts=st.booleans(),
    glass=st.lists(st.sampled_from(MAY), unique=True, min_size=1, max_size=2).map(tuple),
    nights_off=st.booleans(),
).filter(lambda choice: choice.can_be)


@dataclass
class Press:
    """An approval that was taken, and who else's it might have been then."""

    person: str
    givers: frozenset[str]


@dataclass
class Case:
    """A plan as the oracle sees it."""

    plan: Plan
    requester: str
    lapses_at: datetime
    presses: list[Press] = field(default_factory=list)
    over: bool = False
    started: bool = False


def find_assignment(presses: list[list[str]], taken: frozenset[str] = frozenset()) -> int:
    """How many presses can at most stand for different people."""
    if not presses:
        return 0
    first, rest = presses[0], presses[1:]
    with_it = [1 + find_assignment(rest, taken | {owner}) for owner in first if owner not in taken]
    return max([find_assignment(rest, taken), *with_it])


class Desk(RuleBasedStateMachine):
    """People, hands and clocks, mostly about the newest plan."""

    database: Database
    people = st.sampled_from(PEOPLE)

    def __init__(self) -> None:
        super().__init__()
        empty_store(self.database)
        self.cases: list[Case] = []
        self.hands: list[tuple[str, str, datetime]] = []

    @initialize(
        choice=CHOICES, members=st.sets(people, min_size=2), asker=people,
        hands=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([5, 60])), min_size=1, max_size=3),
    )  # fmt: skip
    def begin(self, choice: Choice, members: set[str], asker: str, hands: list[tuple[int, int]]) -> None:
        self.choice = choice
        self.ballot = Ballot(self.database, choice.write())
        self.ballot.groups.members[GROUP] = members
        for place, minutes in hands:
            self.hand_over(place, place + 1, minutes)
        self.ask(asker)

    def ask(self, person: str) -> None:
        plan = self.ballot.ask(person, make_document("destructive"))
        self.cases.append(Case(plan, person, self.now + timedelta(minutes=30)))

    @rule(place=st.integers(0, 9), asker=people)
    def approve(self, place: int, asker: str) -> None:
        """By people who have something to give, about a plan that waits: runs are nearly always about to start."""
        lapsed = self.now >= self.case.lapses_at and place % 2 == 1  # else they press too late
        if self.case.started or self.case.over or lapsed:
            self.ask(asker)
        pressed = {press.person for press in self.case.presses}
        able = [one for one in PEOPLE if (self.could(one) or place > 8) and one not in pressed]
        if able:
            self.approve_one(self.case, able[place % len(able)], TARGET)

    @rule(place=st.integers(0, 9), asker=people)
    def approve_too(self, place: int, asker: str) -> None:
        """As often as anything else."""
        self.approve(place, asker)

    @precondition(lambda self: any(until <= self.now for _, _, until in self.hands))
    @rule(asker=people)
    def approve_with_a_handover_that_is_over(self, asker: str) -> None:
        self.ask(asker)
        self.approve_one(self.case, next(holder for _, holder, until in self.hands if until <= self.now), TARGET)

    @rule(back=st.integers(1, 3), person=people, typed=st.sampled_from([TARGET, "other", ""]))
    def approve_carelessly(self, back: int, person: str, typed: str) -> None:
        self.approve_one(self.cases[-back % len(self.cases)], person, typed)

    def approve_one(self, case: Case, person: str, typed: str) -> None:
        givers = frozenset(giver for giver, holder, until in self.hands if holder == person and self.now < until)
        run = self.press(case, lambda: self.ballot.decide(case.plan, person, "approve", typed))
        if run is REFUSED:
            return
        assert typed == TARGET
        assert person not in {press.person for press in case.presses if self.may(press.person)}
        case.presses.append(Press(person, givers))
        assert any(self.stands_for(case, case.presses[-1])), "nobody's press is taken that stands for nobody"
        assert not self.choice.is_night(self.now)
        if run is not None:
            event("approved")
            assert self.count(case) >= self.choice.quorum
            case.started = True

    @rule(
        person=people,
        how=st.sampled_from(["deny", "break glass", "fall due", "fall due"]),
        reason=st.sampled_from([REASON, "x"]),
    )
    def end(self, person: str, how: str, reason: str) -> None:
        if how == "deny":
            self.deny(person)
        elif how == "break glass":
            self.break_glass(person, reason)
        else:  # the workflow of the expiry, maybe too early
            open_before = self.ballot.state(self.case.plan) == "pending"
            self.ballot.plans.expire(self.case.plan.id)
            self.case.over |= open_before

    def deny(self, person: str) -> None:
        case = self.case
        if self.press(case, lambda: self.ballot.decide(case.plan, person, "deny")) is not REFUSED:
            givers = {giver for giver, holder, until in self.hands if holder == person and self.now < until}
            assert person == case.requester or any(map(self.may, {person} | givers))
            case.over = True

    def break_glass(self, person: str, reason: str) -> None:
        case = self.case
        if self.press(case, lambda: self.ballot.break_glass(case.plan, person, reason)) is REFUSED:
            return
        event("glass broken")
        held = next(set(one["roles"]) for one in SHIPPED["people"] if one["key"] == person)
        assert held & set(self.choice.glass)
        assert reason == REASON
        case.started = True

    @rule(place=st.integers(0, 9), to=st.integers(0, 9), minutes=st.sampled_from([5, 60]))
    def hand_over(self, place: int, to: int, minutes: int) -> None:
        """By somebody who may to somebody who may not, where there are such people."""
        able = [one for one in PEOPLE if self.may(one)] or PEOPLE
        unable = [one for one in PEOPLE if one not in able] or PEOPLE
        giver, holder = able[place % len(able)], unable[to % len(unable)]
        with suppress(Refused):
            self.ballot.hand_over(giver, holder, minutes=minutes)
            self.hands = [one for one in self.hands if one[0] != giver]
            self.hands.append((giver, holder, self.now + timedelta(minutes=minutes)))

    @precondition(lambda self: self.hands)
    @rule(place=st.integers(0, 9), gives_back=st.booleans())
    def take_back(self, place: int, gives_back: bool) -> None:
        giver, holder, _ = self.hands[place % len(self.hands)]
        pair = (holder, giver) if gives_back else (giver, holder)
        with suppress(Refused):
            self.ballot.take_back(*pair)
            self.hands = [one for one in self.hands if {one[0], one[1]} != {giver, holder}]

    @rule(person=people, slack=st.booleans())
    def change_group(self, person: str, slack: bool) -> None:
        if slack:
            self.ballot.groups.down = not self.ballot.groups.down
        else:
            self.ballot.groups.members[GROUP] ^= {person}

    @precondition(lambda self: any(self.by_group_alone(press.person) for press in self.case.presses))
    @rule()
    def leave_group_after_pressing(self) -> None:
        self.ballot.groups.members[GROUP] -= {press.person for press in self.case.presses}

    @rule(minutes=st.sampled_from([1, 6, 31, 300, -2]))
    def pass_time(self, minutes: int) -> None:
        self.ballot.clock.turn(minutes=minutes)

    def teardown(self) -> None:
        for case in self.cases:
            assert len(self.ballot.runs(case.plan)) == (1 if case.started else 0)
            assert (self.ballot.state(case.plan) == "approved") == case.started

    @property
    def case(self) -> Case:
        return self.cases[-1]

    @property
    def now(self) -> datetime:
        return self.ballot.clock()

    def press(self, case: Case, decide: Callable[[], Run | None]) -> object:
        """What came of it; a refusal has changed nothing."""
        before = self.ballot.picture()
        try:
            run = decide()
        except Refused:
            assert self.ballot.picture() == before
            return REFUSED
        assert not case.started
        assert not case.over
        assert self.now < case.lapses_at
        return run

    def may(self, person: str) -> bool:
        in_group = self.choice.group and person in self.ballot.groups.members[GROUP] and not self.ballot.groups.down
        return self.choice.roles_give(person) or in_group

    def by_group_alone(self, person: str) -> bool:
        return self.may(person) and not self.choice.roles_give(person)

    def could(self, person: str) -> bool:
        return self.may(person) or any(holder == person for _, holder, _ in self.hands)

    def count(self, case: Case) -> int:
        """The most people, each approving once, whom the presses can stand for now."""
        return find_assignment([list(self.stands_for(case, press)) for press in case.presses])

    def stands_for(self, case: Case, press: Press) -> Iterator[str]:
        if self.may(press.person) and (self.choice.requester_counts or press.person != case.requester):
            yield press.person
        for giver in press.givers:
            if self.may(giver) and case.requester not in (giver, press.person):
                yield giver


REFUSED = object()


# Without the phase that explains: its tracing of every line makes this several times slower.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
THOROUGH = settings(
    max_examples=100, stateful_step_count=30, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck)
)


def test_no_run_starts_without_its_policy_satisfied() -> None:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory()))
        Desk.database = opened.enter_context(open_store(f"sqlite:///{folder / 'holdfast.db'}"))
        run_state_machine_as_test(Desk, settings=THOROUGH)
