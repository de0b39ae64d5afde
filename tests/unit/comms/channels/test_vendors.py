"""Channels over HTTP: as the vendor documents it, once for each recipient, whatever becomes of the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.comms.channels import opsgenie, teams
from bot.comms.notices import Address
from bot.store.tables import Notice
from bot.systems import far_side
from bot.systems.mail import sendgrid
from bot.systems.pace import Pace
from tests.unit.comms.channels.office import Office, make_policy, open_office
from tests.unit.comms.channels.published import list_problems
from tests.unit.comms.channels.vendors import (
    BROKEN,
    HALF,
    LOST,
    OpsgenieStandIn,
    PagerDutyStandIn,
    Reply,
    SendGridStandIn,
    TeamsStandIn,
    Vendor,
    WebhookStandIn,
    open_vendor,
)

SENDER = "incidents@example.com"
KINDS: dict[str, tuple[type[Vendor], str, Callable[[str], dict[str, Any]]]] = {
    "pagerduty": (PagerDutyStandIn, "pager", lambda url: {"routing_key_env": "KEY", "api_url": url}),
    "opsgenie": (OpsgenieStandIn, "pager", lambda url: {"api_key_env": "KEY", "api_url": url}),
    "email": (
        SendGridStandIn,
        "email",
        lambda url: {"transport": "sendgrid", "sender": SENDER, "api_key_env": "KEY", "api_url": url},
    ),
    "teams": (TeamsStandIn, "teams", lambda url: {"webhook_env": "KEY"}),
    "webhook": (WebhookStandIn, "webhook", lambda url: {"url": f"{url}/hook", "secret_env": "KEY"}),
}
SECRETS = {"pagerduty": "a" * 32, "opsgenie": "genie-key-1", "email": "SG.key", "webhook": "webhook-secret-1"}
ALL = pytest.mark.parametrize("kind", KINDS)


@contextmanager
def at(kind: str, folder: Path) -> Iterator[tuple[Office, Vendor]]:
    """An office that tells the DR team on one channel, and the vendor behind that."""
    make, way, settings = KINDS[kind]
    vendor = make()
    with open_vendor(vendor):
        secret = SECRETS.get(kind) or vendor.url + TeamsStandIn.path
        policy = make_policy({kind: settings(vendor.url)}, [way])
        with open_office(folder, policy, {"KEY": secret}) as office:
            yield office, vendor
    assert vendor.problems == []


@ALL
def test_a_whole_incident_as_the_vendor_wants_it(kind: str, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        number = office.declare(impact="Nobody can scan <bags> & *more*\n" + "x" * 3000).id
        office.work()
        office.desk.update(number, actor="mei", text="The standby takes over. " * 200)
        office.work()
        office.desk.resolve(number, actor="mei", text="It is back.")
        office.work()
        states = [one.state for one in office.told(kind)]
    assert states == ["sent"] * 3
    assert len(vendor.effects) == (2 if kind in ("pagerduty", "opsgenie") else 3)


@ALL
@pytest.mark.parametrize(
    "reply", [LOST, Reply(503), Reply(502, act=False), Reply(429, act=False), Reply(420, act=False)]
)
def test_what_got_no_answer_is_sent_again(kind: str, reply: Reply, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        vendor.replies = [reply]
        office.declare()
        office.work()
        office.pass_time(30)
        (told,) = office.told(kind)
    assert (told.state, told.attempts) == ("sent", 2)
    knows_keys = kind not in ("email", "teams")
    assert len(vendor.effects) == (1 if knows_keys or not reply.act else 2)
    may_be_twice = reply.status not in (429, 420)
    if not knows_keys:
        words = vendor.requests[-1]["content"].decode()
        assert ("This may reach you twice" in words) == may_be_twice == bool(told.receipt.get("repeated"))


@ALL
@pytest.mark.parametrize("reply", [BROKEN, HALF, Reply(200, b"<html>fine</html>"), Reply(204, b"")])
def test_what_was_accepted_is_accepted_however_the_answer_looks(kind: str, reply: Reply, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        vendor.replies = [reply]
        office.declare()
        office.work()
        office.pass_time(120)
        (told,) = office.told(kind)
    assert (told.state, told.attempts, len(vendor.effects)) == ("sent", 1, 1)


@ALL
@pytest.mark.parametrize(
    ("status", "words"), [(400, "400"), (401, "look at KEY"), (403, "look at KEY"), (404, "nothing at this address"),
                          (302, "moved"), (413, "too long")]
)  # fmt: skip
def test_a_no_is_not_asked_again_and_tells_what_to_do(kind: str, status: int, words: str, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        body = b'{"message":"bad","errors":[{"message":"field wrong"},"more"]}'
        vendor.replies = [Reply(status, body, act=False)] * 9
        office.declare()
        office.work()
        office.pass_time(120)
        (told,) = office.told(kind)
    assert (told.state, told.attempts, vendor.effects) == ("failed", 1, [])
    assert words in told.error
    assert SECRETS.get(kind, "very-secret-signature") not in told.error


def test_when_to_come_back_is_heeded(tmp_path: Path) -> None:
    with at("pagerduty", tmp_path) as (office, vendor):
        vendor.replies = [Reply(429, headers={"Retry-After": "40"}, act=False)]
        office.declare()
        office.work()
        office.pass_time(35)
        assert len(vendor.requests) == 1
        office.pass_time(10)
        assert len(vendor.effects) == 1


def test_a_vendor_that_does_not_answer_is_left_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far_side, "READ_S", 0.3)
    with at("teams", tmp_path) as (office, vendor):
        answered = threading.Event()
        vendor.replies = [Reply(silent=True, after=answered)]
        office.declare()
        office.work()
        answered.set()
        (told,) = office.told("teams")
    assert (told.state, told.in_doubt) == ("retrying", True)
    assert "did not answer (ReadTimeout)" in told.error


def test_a_body_that_never_comes_changes_nothing(tmp_path: Path) -> None:
    with at("teams", tmp_path) as (office, vendor):
        vendor.replies = [Reply(202, b"", {"Transfer-Encoding": "chunked"})]
        office.declare()
        office.work()
        (told,) = office.told("teams")
    assert told.state == "sent", "the status said so"


@ALL
def test_nobody_at_the_address(kind: str, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        pass
    with open_office(tmp_path, office.policy, {"KEY": SECRETS.get(kind) or vendor.url + TeamsStandIn.path}) as later:
        later.declare()
        later.work()
        (told,) = later.told(kind)
    assert (told.state, told.in_doubt) == ("retrying", False)
    assert "could not be reached" in told.error
    assert "very-secret" not in told.error


@pytest.mark.parametrize("kind", ["pagerduty", "opsgenie"])
def test_pages_open_and_close_one_matter(kind: str, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        office.page("plan-4", [Address(kind, "all")])
        office.work()
        office.page("plan-4", [Address(kind, "all")], resolved=True)
        office.work()
    assert [alias for _, alias in vendor.effects] == ["holdfast/plan-4"] * 2


@pytest.mark.parametrize("kind", ["pagerduty", "opsgenie"])
def test_what_rings_is_stopped_at_a_lower_severity_too(kind: str, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        number = office.declare("P1").id
        office.work()
        with office.database.write() as session:
            incident = session.merge(office.desk.find(number))
            incident.severity = "P3"
        office.desk.resolve(number, actor="mei", text="over")
        office.work()
    assert len(vendor.effects) == 2
    assert vendor.effects[0][1] == vendor.effects[1][1]


def test_two_incidents_are_two_matters_even_after_the_store_was_lost(tmp_path: Path) -> None:
    with at("pagerduty", tmp_path) as (office, vendor):
        office.declare()
        office.clock.turn(seconds=3600)
        office.declare(title="Another one")
        office.work()
    assert len({alias for _, alias in vendor.effects}) == 2
    assert all(alias.startswith("holdfast/1772") for _, alias in vendor.effects), "the time of the declaration"


def test_a_card_shows_what_people_wrote_and_obeys_none_of_it(tmp_path: Path) -> None:
    with at("teams", tmp_path) as (office, vendor):
        office.declare(title="[click](https://evil.example) **now**")
        office.work()
    title = vendor.effects[0]["body"][0]["text"]
    assert title.startswith("[INCIDENT] TraitorTrack")
    assert "[click]\\(https://evil.example) \\*\\*now\\*\\*" in title


def test_what_a_vendor_refuses_is_said_once_in_the_incidents_room(tmp_path: Path) -> None:
    """A key that was revoked: nobody would learn from the timeline that the customers heard nothing."""
    settings = {"transport": "sendgrid", "sender": SENDER, "api_key_env": "KEY"}
    vendor = SendGridStandIn()
    with open_vendor(vendor):
        policy = make_policy(
            {"email": {**settings, "api_url": vendor.url}}, ["email"], addresses=["a@example.com", "b@example.com"]
        )
        with open_office(tmp_path, policy, {"KEY": "SG.revoked"}) as office:
            vendor.replies = [Reply(401, act=False)] * 2
            number = office.declare().id
            office.work()
            with office.database.read() as session:
                query = sa.select(Notice).where(Notice.key.startswith("undelivered:"))
                (notice,) = session.scalars(query)
            (entry, other) = [one for one in office.desk.timeline(number) if one.kind == "delivery.failed"]
    assert notice.data["seq"] == entry.seq
    assert entry.text.startswith("Could not deliver “bulletin” to a@example.com (E-mail): SendGrid answered 401.")
    assert "b@example.com" in other.text


def test_headers_for_sendgrid_are_ascii() -> None:
    message = EmailMessage()
    message["From"] = "Žluť <incidents@example.com>"
    message["List-Id"] = "Žluť incidents <incidents.holdfast.example.com>"
    message.set_content("text")
    headers = sendgrid.describe(message, "a@example.com")["headers"]
    assert headers["List-Id"].isascii()
    assert str(make_header(decode_header(headers["List-Id"]))) == str(message["List-Id"])


def test_a_card_stays_small_enough_in_any_script(tmp_path: Path) -> None:
    """A workflow says 202 first, and refuses afterwards what is too large: nobody would hear of it."""
    with at("teams", tmp_path) as (office, vendor):
        number = office.declare(title="\U0001f9f3" * 200).id
        office.work()
        office.desk.update(number, actor="mei", text="\U0001f9f3*" * 5000)
        office.work()
    assert len(vendor.effects) == 2


@pytest.mark.parametrize(("inside", "state"), [(429, "retrying"), (413, "failed")])
def test_teams_may_hide_a_failure_in_a_good_answer(inside: int, state: str, tmp_path: Path) -> None:
    said = f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {inside}".encode()
    with at("teams", tmp_path) as (office, vendor):
        vendor.replies = [Reply(200, said, act=False)]
        office.declare()
        office.work()
        assert office.told("teams")[0].state == state


def test_a_secret_that_is_gone_since_the_start_is_said(tmp_path: Path) -> None:
    environment = {"KEY": "webhook-secret-1"}
    policy = make_policy({"webhook": {"url": "http://127.0.0.1:9/hook", "secret_env": "KEY"}}, ["webhook"])
    with open_office(tmp_path, policy, environment) as office:
        environment.clear()
        office.declare()
        office.work()
        (told,) = office.told("webhook")
    assert (told.state, told.error) == ("failed", "KEY is not set in the bot's environment")


@ALL
def test_what_has_become_private_stays_inside(kind: str, tmp_path: Path) -> None:
    with at(kind, tmp_path) as (office, vendor):
        number = office.declare().id
        with office.database.write() as session:
            session.merge(office.desk.find(number)).private = True
        office.work()
        assert office.told(kind)[0].state == "failed"
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("0", None), ("-5", None), ("soon", None), ("nan", None), ("1e9", 3600.0), (None, None),
     ("Wed, 21 Oct 2099 07:28:00 GMT", 3600.0), ("Wed, 21 Oct 2015 07:28:00 GMT", None)],
)  # fmt: skip
def test_when_to_come_back_is_read_as_the_standard_has_it(header: str | None, seconds: float | None) -> None:
    assert far_side.read_retry_after(header) == seconds


def test_what_opsgenie_made_of_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opsgenie, "LOOKS_AFTER_S", (0.0, 0.0, 0.0))
    with at("opsgenie", tmp_path) as (office, vendor):
        assert isinstance(vendor, OpsgenieStandIn)
        vendor.not_yet = 2
        office.declare()
        office.work()
        (told,) = office.told("opsgenie")
        assert told.receipt["status"] == "Created alert"
        vendor.not_yet = 99
        office.page("plan-4", [Address("opsgenie", "all")])
        office.work()
    assert [one.receipt["status"] for one in office.told("opsgenie")][1] == "not known yet"


def test_an_alert_that_opsgenie_took_and_did_not_make_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opsgenie, "LOOKS_AFTER_S", (0.0,))
    with at("opsgenie", tmp_path) as (office, vendor):
        assert isinstance(vendor, OpsgenieStandIn)
        vendor.done = {"isSuccess": False, "status": "Alert is discarded by a policy"}
        number = office.declare().id
        office.work()
        (told,) = office.told("opsgenie")
        office.desk.resolve(number, actor="mei", text="over")
        office.work()
        closed = office.told("opsgenie")[-1]
    assert (told.state, told.attempts) == ("failed", 1)
    assert "discarded by a policy" in told.error
    assert closed.state == "sent", "what is not there needs no closing"


def test_cards_are_kept_apart(tmp_path: Path) -> None:
    waited: list[float] = []
    with at("teams", tmp_path) as (office, _):
        channel = office.channels["teams"]
        assert isinstance(channel, teams.Teams)
        channel.pace = Pace(teams.SPACING_S, lambda: 0.0, waited.append)
        for number in range(3):
            office.declare(title=f"Incident {number}")
        office.work()
        assert [one.state for one in office.told("teams")] == ["sent"] * 3
    assert waited == [0.0, 0.5, 0.5]


def test_what_vendors_would_refuse_is_found() -> None:
    """The descriptions bite."""
    event = {"routing_key": "a" * 32, "event_action": "trigger", "dedup_key": "x"}
    assert list_problems("pagerduty", "event", event)
    assert list_problems("pagerduty", "event", {**event, "event_action": "resolve"}) == []
    payload = {"summary": "s", "source": "s", "severity": "P1"}
    assert "P1" in list_problems("pagerduty", "event", {**event, "payload": payload})[0]
    assert list_problems("opsgenie", "create", {"message": "x" * 131})
    assert list_problems("opsgenie", "close", {"alias": "x"})
    mail = {"personalizations": [{"to": [{"email": "a@example.com"}]}], "from": {"email": "b@example.com"}}
    assert list_problems("sendgrid", "send", {**mail, "subject": "s", "content": [{"type": "text/plain"}]})
    assert list_problems("sendgrid", "send", mail)
    assert list_problems("statuspage", "create", {"incident": {"status": "open"}})
    assert list_problems("statuspage", "update", {"incident": {"metadata": {"holdfast": 7}}})
    assert (
        list_problems("statuspage", "update", {"incident": {"status": "resolved", "components": {"c": "operational"}}})
        == []
    )
