"""Asking all checks at once: one that breaks or hangs is an answer too, and silences no other."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.diagnostics import asking, baseline
from bot.diagnostics.asking import Asking, ask_all
from bot.diagnostics.check import Check, Surroundings, all_checks, choose_checks, scopes
from bot.diagnostics.reports import _find_figures
from bot.outcome import Failed, Refused
from bot.policy import load_policy
from bot.store.documents import Finding, Measure
from bot.systems.redaction import HIDDEN

PLACE = Surroundings(load_policy(None), {}, lambda: datetime(2026, 3, 1, tzinfo=UTC), "traitortrack")


class Made(Check):
    """A check that does what the test wants."""

    title, scope, timeout_s = "Made up", "database", 0.2

    def __init__(self, name: str, answer: Callable[[], Finding] | None = None) -> None:
        self.name = name  # type: ignore[misc]
        self._answer = answer or (lambda: self.finding("ok", "good"))

    def run(self, surroundings: Surroundings) -> Finding:
        return self._answer()


def fail(error: Exception) -> Finding:
    raise error


def test_what_breaks_is_an_answer() -> None:
    checks: list[Check] = [
        Made("fine"),
        Made("refused", lambda: fail(Refused("No way in.", "Set a URL."))),
        Made("failed", lambda: fail(Failed("The server is away."))),
        Made("broken", lambda: fail(ZeroDivisionError("by zero"))),
    ]
    found = {one.check: (one.state, one.summary) for one in ask_all(checks, [PLACE])}
    assert found == {
        "fine": ("ok", "good"),
        "refused": ("critical", "No way in. Set a URL."),
        "failed": ("critical", "The server is away."),
        "broken": ("unknown", "The check itself failed: ZeroDivisionError: by zero"),
    }


def test_a_secret_that_goes_over_many_lines_is_in_no_evidence() -> None:
    lines = ["before", "-----BEGIN PRIVATE KEY-----", "MIIEvgIBADANBg", "-----END PRIVATE KEY-----", "after"]
    talkative = Made("talkative")
    talkative._answer = lambda: talkative.finding("warning", "It says much.", lines)
    (found,) = ask_all([talkative], [PLACE])
    assert found.evidence == ["before", HIDDEN, "after"]


def test_what_no_store_can_keep_is_in_no_finding() -> None:
    """One sweep that cannot be read back would stop all that learn from it."""
    crashed, odd = Made("crashed"), Made("odd")
    crashed._answer = lambda: crashed.finding("warning", "log: \0\0 end", ["a\0b"])
    odd._answer = lambda: odd.finding("ok", "fine", measures=[Measure(name="load", value=float("nan"))])
    found = {one.check: one for one in ask_all([crashed, odd], [PLACE])}
    assert "\0" not in found["crashed"].model_dump_json() + found["crashed"].summary
    assert (found["crashed"].summary, found["crashed"].evidence) == ("log: \ufffd\ufffd end", ["a\ufffdb"])
    assert (found["odd"].state, found["odd"].measures) == ("unknown", [])


def test_figures_of_a_report_are_numbers() -> None:
    report = json.loads('{"used": NaN, "size": 10, "most": Infinity, "large": 1' + "0" * 400 + "}")
    assert dict(_find_figures(report)) == {"size": 10.0}


def test_what_hangs_is_unknown_and_the_others_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "GRACE_S", 0.1)
    release = threading.Event()
    hanging = Made("hanging")
    hanging._answer = lambda: hanging.finding("ok", str(release.wait(30)))
    try:
        found = {one.check: one.state for one in ask_all([hanging, Made("fine")], [PLACE])}
    finally:
        release.set()
    assert found == {"hanging": "unknown", "fine": "ok"}


def test_what_waits_for_nobody_else_begins_first_and_those_without_an_answer_are_known() -> None:
    begun: list[str] = []
    release = threading.Event()

    def answer(check: Made, words: str) -> Finding:
        begun.append(words)
        return check.finding("ok", words)

    cloud, near = Made("cloud"), Made("near")
    cloud.permissions, near.title = ("s3:GetObject",), "Near"  # type: ignore[misc]
    cloud._answer = lambda: answer(cloud, f"cloud {release.wait(30)}")
    near._answer = lambda: answer(near, "near")
    asked = Asking([cloud, near], [PLACE], within_s=30)
    batches = asked.batches()
    assert [one.check for one in next(batches)] == ["near"]
    assert asked.looking == ["Made up"]
    release.set()
    assert [one.check for one in next(batches)] == ["cloud"]
    assert (begun, asked.looking, list(batches)) == (["near", "cloud True"], [], [])


def test_a_bucket_that_hangs_keeps_nobody_who_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(baseline, "list_backups", lambda *_, **__: release.wait(30))
    compared = baseline.Baseline(within_s=0.05)
    try:
        for _ in range(2):
            with pytest.raises(Failed, match="does not answer"):
                compared.find(PLACE.policy, PLACE.database)
    finally:
        release.set()


def test_every_check_answers_where_nothing_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """No URL, no server, no cloud: each says so in words, and none breaks the sweep."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr("bot.diagnostics.checks.verification_log.LONGEST", timedelta(0))
    found = list(ask_all([*choose_checks("all"), *choose_checks("verification")], [PLACE]))
    assert {one.check for one in found} == set(all_checks())
    assert {one.state for one in found} <= {"critical", "unknown", "warning"}
    assert all(one.summary for one in found)


def test_scopes_choose_checks_and_others_are_refused() -> None:
    for scope in scopes():
        assert choose_checks(scope)
    assert len(choose_checks("all")) == len([check for check in all_checks().values() if not check.on_demand])
    assert {check.scope for check in choose_checks("verification")} == {"verification"}
    with pytest.raises(Refused, match="Did you mean database"):
        choose_checks("databse")


def test_what_is_about_the_whole_product_is_asked_once() -> None:
    again, once = Made("again"), Made("once")
    once.once = True  # type: ignore[misc]
    found = sorted(one.check for one in ask_all([again, once], [PLACE, PLACE]))
    assert found == ["again", "again", "once"]
