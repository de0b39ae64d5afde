"""Who is on call: by the rota's turns, whatever the clocks do; by a schedule elsewhere as long as it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.on_call import OnCall, find_turn
from bot.policy import Policy, Rota, load_policy
from tests.unit.incidents.conftest import HandClock

BERLIN = ZoneInfo("Europe/Berlin")
ROLE = "database_admin"


def make_rota(**given: Any) -> Rota:
    return Rota.model_validate({"people": ["amara", "diego", "mei"], **given})


WEEKLY = make_rota(shift="7 days", starts="2026-01-05 09:00")


@pytest.mark.parametrize(
    ("local", "person"),
    [
        ("2026-01-05 09:00", "amara"),
        ("2026-01-12 08:59", "amara"),
        ("2026-01-12 09:00", "diego"),
        ("2026-03-30 08:59", "mei"),  # the night before, clocks were put forward
        ("2026-03-30 09:00", "amara"),
        ("2026-10-26 08:59", "mei"),  # and back
        ("2026-10-26 09:00", "amara"),
        ("2025-12-29 09:00", "mei"),
    ],
)
def test_turns_change_at_the_same_local_time_all_year(local: str, person: str) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=BERLIN)
    assert find_turn(WEEKLY, moment, BERLIN) == person


def test_of_an_hour_that_comes_twice_the_turn_changes_once() -> None:
    rota = make_rota(shift="1 day", starts="2026-10-24 02:30")
    begins = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 in summer
    seen = [find_turn(rota, begins + timedelta(minutes=10 * n), BERLIN) for n in range(18)]
    assert seen == ["amara"] * 3 + ["diego"] * 15


@given(
    st.integers(0, 5 * 365 * 24 * 60),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"]),
    st.sampled_from(["8 hours", "12 hours", "1 day", "7 days"]),
)
def test_somebody_is_always_on_call_and_nobody_for_two_turns(minutes: int, name: str, shift: str) -> None:
    zone, rota = ZoneInfo(name), make_rota(shift=shift, starts="2026-01-05 02:15")
    moment, step = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes), timedelta(minutes=30)
    assert rota.shift is not None
    steps = (rota.shift + timedelta(hours=2)) // step + 1
    seen = [find_turn(rota, moment + n * step, zone) for n in range(steps + 1)]
    changes = [(a, b) for a, b in pairwise(seen) if a != b]
    assert 1 <= len(changes) <= 2
    assert set(changes) <= {("amara", "diego"), ("diego", "mei"), ("mei", "amara")}


def test_one_alone_is_always_on_call() -> None:
    assert find_turn(Rota(people=["mei"]), datetime.now(UTC), BERLIN) == "mei"


@dataclass
class Far:
    """A vendor: what it answers, and what it was asked."""

    status: int = 200
    body: object = None
    asked: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve(far: Far) -> Iterator[Far]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            far.asked.append((parts.path, parse_qs(parts.query), self.headers["Authorization"]))
            self.send_response(far.status)
            self.end_headers()
            self.wfile.write(json.dumps(far.body).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    far.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield far
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def far() -> Iterator[Far]:
    with serve(Far()) as served:
        yield served


def desk(clock: HandClock, environment: dict[str, str] | None = None, **rota: Any) -> OnCall:
    policy: Policy = load_policy(None)
    made = Rota.model_validate({"people": ["mei"], "api_key_env": "SCHEDULE_KEY", **rota})
    on_call = {**policy.on_call, ROLE: made}
    return OnCall(policy.model_copy(update={"on_call": on_call}), environment or {"SCHEDULE_KEY": "k3y"}, clock)


def duty_of(email: str, level: int) -> dict[str, object]:
    return {"user": {"email": email}, "escalation_level": level, "schedule": {"id": "PI7DH85"}}


def test_pagerduty_says(far: Far, clock: HandClock) -> None:
    far.body = {"oncalls": [duty_of("priya.nair@example.com", 2), duty_of("Jonas.Weber@example.com", 1)]}
    on_call = desk(clock, pagerduty_schedule="PI7DH85", api_url=far.url)
    duty = on_call.find(ROLE)
    assert duty.person is not None
    assert (duty.person.key, duty.source, duty.trouble) == ("jonas", "by the schedule in PagerDuty", "")
    path, query, authorization = far.asked[0]
    assert (path, query["schedule_ids[]"], authorization) == ("/oncalls", ["PI7DH85"], "Token token=k3y")


def test_opsgenie_says(far: Far, clock: HandClock) -> None:
    far.body = {"data": {"onCallRecipients": ["jonas.weber@example.com"]}}
    duty = desk(clock, opsgenie_schedule="dba rotation", api_url=far.url).find(ROLE)
    assert duty.person is not None
    assert (duty.person.key, duty.source) == ("jonas", "by the schedule in Opsgenie")
    path, query, authorization = far.asked[0]
    assert (path, authorization) == ("/v2/schedules/dba%20rotation/on-calls", "GenieKey k3y")
    assert query["scheduleIdentifierType"] == ["name"]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, {}, "PagerDuty answered 500"),
        (200, [], "something unexpected"),
        (200, {"oncalls": [{}]}, "something unexpected"),
        (200, {"oncalls": []}, "nobody on call"),
        (200, {"oncalls": [duty_of("stranger@example.com", 1)]}, "stranger@example.com, who is not in the policy"),
    ],
)
def test_where_it_does_not_say_the_rota_does(far: Far, clock: HandClock, status: int, body: object, words: str) -> None:
    far.status, far.body = status, body
    duty = desk(clock, pagerduty_schedule="P", api_url=far.url).find(ROLE)
    assert duty.person is not None
    assert (duty.person.key, duty.source) == ("mei", "by the policy's rota")
    assert words in duty.trouble


def test_it_is_asked_once_a_minute_also_when_it_is_down(far: Far, clock: HandClock) -> None:
    far.status = 503
    on_call = desk(clock, pagerduty_schedule="P", api_url=far.url)
    for _ in range(7):
        on_call.find(ROLE)
        clock.turn(seconds=10)
    assert len(far.asked) == 2


def test_without_its_key_it_is_not_asked(clock: HandClock) -> None:
    duty = desk(clock, {"HOME": "/"}, pagerduty_schedule="P").find(ROLE)
    assert duty.trouble == "SCHEDULE_KEY is not set in the bot's environment"


def test_the_other_roles_have_their_first_holder(clock: HandClock) -> None:
    shipped = OnCall(load_policy(None), {}, clock).list_all()
    assert [(duty.role, duty.person.key if duty.person else None) for duty in shipped] == [
        ("dr_coordinator", "amara"),
        ("database_admin", "diego"),
        ("devops_engineer", "mei"),
        ("security_officer", "jonas"),
        ("communications_lead", "priya"),
    ]
    assert [duty.source for duty in shipped[:2]] == ["by the policy's rota", "the first who holds the role"]
