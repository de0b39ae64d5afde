"""Sources: each knows who may send what, and makes alerts of it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.alert import BadPayload, Unverified
from bot.alerts.call import Access, Call, sign
from bot.alerts.receiver import NoSecret, Receiver, UnknownSource
from bot.alerts.sources import alertmanager, datadog, generic, pagerduty, source_modules
from bot.comms.outgoing import OutgoingPage, find_alias
from bot.policy import load_policy
from bot.policy.alerts import AlertSources
from tests.unit.alerts.payloads import ALERTMANAGER, DATADOG, PAGERDUTY, changed
from tests.unit.alerts.test_alert import ANYTHING, NOW

SECRET = "a very secret word"
ACCESS = Access(SECRET)


def make_call(body: bytes | dict[str, Any] = b"{}", /, **headers: str) -> Call:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call({name.replace("_", "-").lower(): value for name, value in headers.items()}, content, NOW)


def test_the_policy_knows_every_source_and_no_other() -> None:
    assert set(source_modules()) == set(AlertSources.model_fields)
    for module in source_modules().values():
        assert callable(module.verify)
        assert callable(module.parse)


def test_alertmanager_sends_several_at_once() -> None:
    first, second = alertmanager.parse(ALERTMANAGER, NOW)
    assert (first.title, first.state, first.severity) == ("Many errors on web-1", "firing", "critical")
    assert first.at == datetime(2026, 3, 1, 11, 58, 0, 123000, tzinfo=UTC)
    assert (first.fingerprint, first.labels["instance"]) == ("c0ffee0000000001", "web-1")
    assert first.link == "http://prometheus:9090/graph?g0.expr=x"
    assert (second.title, second.state) == ("HighErrorRate", "resolved")
    assert second.at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


def test_alertmanager_without_fingerprints_tells_alerts_apart_by_labels() -> None:
    payload = changed(ALERTMANAGER, "alerts", 0, "fingerprint", value=None)
    payload["alerts"][1]["fingerprint"] = ""
    first, second = alertmanager.parse(payload, NOW)
    assert first.fingerprint != second.fingerprint


def test_datadog_speaks_through_our_template() -> None:
    alert = datadog.parse(DATADOG, NOW)[0]
    assert (alert.title, alert.state, alert.severity) == ("[Triggered] Replication lag is high", "firing", "critical")
    assert alert.fingerprint == DATADOG["aggregation_key"]
    assert alert.at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    assert alert.labels["component"] == "database"
    assert alert.labels["urgent"] == "true"
    assert datadog.parse({**DATADOG, "transition": "Recovered"}, NOW)[0].state == "resolved"


def test_pagerduty_tells_of_incidents() -> None:
    alert = pagerduty.parse(PAGERDUTY, NOW)[0]
    assert (alert.title, alert.state, alert.fingerprint) == ("A little bump in the road", "firing", "PGR0VU2")
    assert alert.labels["service"] == "API Service"
    assert alert.link == "https://acme.pagerduty.com/incidents/PGR0VU2"
    assert alert.at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    resolved = changed(PAGERDUTY, "event", "event_type", value="incident.resolved")
    assert pagerduty.parse(resolved, NOW)[0].state == "resolved"


@pytest.mark.parametrize("kind", ["incident.acknowledged", "service.updated", "pagey.ping"])
def test_other_events_of_pagerduty_are_taken_and_left(kind: str) -> None:
    assert pagerduty.parse(changed(PAGERDUTY, "event", "event_type", value=kind), NOW) == []


def test_our_own_pages_do_not_come_back_as_alerts() -> None:
    page = OutgoingPage(alias="incident-7-update", summary="x", details="x", incident_id=7)
    payload = changed(PAGERDUTY, "event", "data", "incident_key", value=find_alias(page, None))
    assert pagerduty.parse(payload, NOW) == []
    assert len(pagerduty.parse(changed(PAGERDUTY, "event", "data", "incident_key", value="baf7cf21"), NOW)) == 1


def test_our_own_form_needs_a_title_only() -> None:
    alert = generic.parse({"title": "Disk full"}, NOW)[0]
    assert (alert.title, alert.state, alert.at) == ("Disk full", "firing", NOW)
    again = generic.parse({"title": "Disk full", "state": "resolved"}, NOW)[0]
    assert again.fingerprint == alert.fingerprint
    other = generic.parse({"title": "Disk full", "labels": {"host": "db-2"}}, NOW)[0]
    assert other.fingerprint != alert.fingerprint


def test_our_own_form_for_several() -> None:
    found = generic.parse({"alerts": [{"title": "One"}, {"title": "Two", "link": "https://example.com/x"}]}, NOW)
    assert [alert.title for alert in found] == ["One", "Two"]


@pytest.mark.parametrize(
    ("source", "payload", "place"),
    [
        ("alertmanager", changed(ALERTMANAGER, "version", value="3"), '`version` is \'3\'; this is the webhook of'),
        ("alertmanager", changed(ALERTMANAGER, "alerts", value=None), "`alerts` is missing; it must be a list"),
        ("alertmanager", changed(ALERTMANAGER, "alerts", 1, value=7), "`alerts[1]` is a number; it must be an object"),
        ("alertmanager", changed(ALERTMANAGER, "alerts", 0, "status", value="odd"), "`alerts[0].status` is 'odd'"),
        ("alertmanager", changed(ALERTMANAGER, "alerts", 0, "labels", value=[]), "`alerts[0].labels` is a list"),
        ("datadog", {**DATADOG, "transition": "Odd"}, "`transition` is 'Odd'"),
        ("datadog", {**DATADOG, "aggregation_key": ""}, "`aggregation_key` is empty; it must be a text"),
        ("pagerduty", {"event": None}, "`event` is missing; it must be an object"),
        ("pagerduty", changed(PAGERDUTY, "event", "data", value={}), "`event.data.id` is missing"),
        ("generic", {"alerts": [{"title": "x"}, {}]}, "`alerts[1].title` is missing"),
        ("generic", {"title": "x", "titel": "y"}, "`titel` is unknown"),
        ("generic", {"title": "x", "state": "open"}, "`state` is 'open'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(source: str, payload: dict[str, Any], place: str) -> None:
    with pytest.raises(BadPayload) as refused:
        source_modules()[source].parse(payload, NOW)
    assert place in str(refused.value)


@settings(max_examples=200, deadline=None)
@given(source=st.sampled_from(sorted(source_modules())), payload=st.dictionaries(st.text(max_size=12), ANYTHING))
def test_any_json_gives_alerts_or_a_reason(source: str, payload: dict[str, Any]) -> None:
    with suppress(BadPayload):
        assert all(alert.title for alert in source_modules()[source].parse(payload, NOW))


@settings(max_examples=200, deadline=None)
@given(
    what=st.sampled_from([("alertmanager", ALERTMANAGER), ("datadog", DATADOG), ("pagerduty", PAGERDUTY)]),
    value=ANYTHING, data=st.data(),
)  # fmt: skip
def test_a_real_payload_with_anything_in_one_place(
    what: tuple[str, dict[str, Any]], value: Any, data: st.DataObject
) -> None:
    name, payload = what
    path: list[str | int] = []
    place: Any = payload
    while isinstance(place, (dict, list)) and place:
        steps: list[Any] = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        step = data.draw(st.sampled_from(steps))
        path.append(step)
        place = place[step]
        if data.draw(st.booleans()):
            break
    with suppress(BadPayload):
        assert all(alert.title for alert in source_modules()[name].parse(changed(payload, *path, value=value), NOW))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"), (b"{", "line 1, column 2"), (b"[]", "is a list; it must be an object"), (b"\xff", "UTF-8"),
        (b'{"x": NaN}', "NaN"), (b"[" * 100_000, "nobody means"), (b'{"x": ' + b"9" * 5000 + b"}", "nobody means"),
    ],
)  # fmt: skip
def test_broken_json_is_explained(body: bytes, reason: str) -> None:
    with pytest.raises(BadPayload, match=reason):
        make_call(body).read_json()


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", SECRET, f"Bearer {SECRET}x", "Bearer é"]
)
def test_a_bearer_token_must_be_the_secret(token: str) -> None:
    alertmanager.verify(make_call(authorization=f"Bearer {SECRET}"), ACCESS)
    with pytest.raises(Unverified):
        alertmanager.verify(make_call(authorization=token), ACCESS)


def test_datadog_proves_itself_with_a_header() -> None:
    datadog.verify(make_call(X_Holdfast_Secret=SECRET), ACCESS)
    for headers in ({}, {"X_Holdfast_Secret": "wrong"}, {"X_Holdfast_Secret": ""}):
        with pytest.raises(Unverified):
            datadog.verify(make_call(**headers), ACCESS)


def test_one_of_several_signatures_of_pagerduty_is_enough() -> None:
    body = json.dumps(PAGERDUTY).encode()
    good, bad = f"v1={sign(SECRET, body)}", f"v1={'0' * 64}"
    for header in (good, f"{bad},{good}", f"{good}, {bad}"):
        pagerduty.verify(make_call(body, X_PagerDuty_Signature=header), ACCESS)
    for header in ("", bad, good.removeprefix("v1="), good.replace("v1=", "v0="), f"{bad},{bad}", good + "00"):
        with pytest.raises(Unverified):
            pagerduty.verify(make_call(body, X_PagerDuty_Signature=header), ACCESS)
    with pytest.raises(Unverified):
        pagerduty.verify(make_call(body + b" ", X_PagerDuty_Signature=good), ACCESS)


def test_our_own_form_is_signed_or_carries_the_secret() -> None:
    body = b'{"title": "x"}'
    good = f"sha256={sign(SECRET, body)}"
    generic.verify(make_call(body, X_Holdfast_Signature=good), ACCESS)
    generic.verify(make_call(body, authorization=f"Bearer {SECRET}"), ACCESS)
    with pytest.raises(Unverified):
        generic.verify(make_call(body, X_Holdfast_Signature="sha256=00", authorization=f"Bearer {SECRET}"), ACCESS)
    with pytest.raises(Unverified):
        generic.verify(make_call(body + b" ", X_Holdfast_Signature=good), ACCESS)


@pytest.mark.parametrize("module", [alertmanager, datadog, generic, pagerduty])
def test_without_a_secret_nobody_may(module: Any) -> None:
    empty = {"authorization": "Bearer ", "X_Holdfast_Secret": "", "X_PagerDuty_Signature": f"v1={sign('', b'{}')}"}
    for headers in (empty, {"X_Holdfast_Signature": f"sha256={sign('', b'{}')}"}):
        with pytest.raises(Unverified):
            module.verify(make_call(**headers), Access(""))


def test_the_receiver_names_the_sources_that_there_are() -> None:
    with pytest.raises(UnknownSource, match="nagios") as refused:
        Receiver(load_policy(None), {}).read("nagios", make_call())
    assert refused.value.known == ["alertmanager", "cloudwatch", "datadog", "generic", "pagerduty"]


def test_a_secret_that_is_not_set_is_named_and_not_taken_for_empty() -> None:
    for environment in ({}, {"ALERTMANAGER_TOKEN": " "}):
        with pytest.raises(NoSecret, match="ALERTMANAGER_TOKEN"):
            Receiver(load_policy(None), environment).read("alertmanager", make_call(authorization="Bearer "))


def test_the_receiver_verifies_before_it_reads() -> None:
    receiver = Receiver(load_policy(None), {"ALERTMANAGER_TOKEN": SECRET})
    with pytest.raises(Unverified):
        receiver.read("alertmanager", make_call(b"{"))
    with pytest.raises(BadPayload):
        receiver.read("alertmanager", make_call(b"{", authorization=f"Bearer {SECRET}"))
    assert len(receiver.read("alertmanager", make_call(ALERTMANAGER, authorization=f"Bearer {SECRET}"))) == 2
