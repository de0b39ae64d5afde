"""Rules of the policy: which alert is whose, and what is made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.alert import Incoming, make_incoming
from bot.alerts.rules import affected_components, choose_rule, group_key, title_of
from bot.policy import AlertRule, load_policy
from tests.unit.policy.policy_files import list_problems, write_variation

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHIPPED = load_policy(None).alerts


def make(title: str = "x", source: str = "generic", **labels: str) -> Incoming:
    return make_incoming(source, fingerprint="f", title=title, state="firing", at=NOW, labels=labels)


@pytest.mark.parametrize(
    ("alert", "name"),
    [
        (make("TraitorTrack fails", "prober", application="traitortrack"), "health_check"),
        (make("Watchdog", alertname="Watchdog"), "heartbeat"),
        (make("PostgreSQL is down"), "database"),
        (make("rds: storage low"), "database"),
        (make("Too many words", service="application"), "other"),
    ],
)
def test_shipped_rules(alert: Incoming, name: str) -> None:
    rule = choose_rule(SHIPPED, alert)
    assert rule is not None
    assert rule.name == name


def test_no_shipped_rule_declares_by_itself() -> None:
    assert not any(rule.declare for rule in SHIPPED.rules)


def test_everything_that_a_rule_asks_for_must_be_so() -> None:
    rule = AlertRule(name="r", equals={"env": "production", "source": "generic"}, matches={"host": "^db-[0-9]+$"})
    alerts = SHIPPED.model_copy(update={"rules": [rule]})
    assert choose_rule(alerts, make(env="production", host="db-12")) is rule
    for wrong in (make(env="production"), make(env="test", host="db-1"), make(env="production", host="db-1x")):
        assert choose_rule(alerts, wrong) is None
    assert choose_rule(alerts, make(source="datadog", env="production", host="db-1")) is None


def test_a_label_cannot_pose_as_what_the_alert_is() -> None:
    alerts = SHIPPED.model_copy(update={"rules": [AlertRule(name="r", equals={"source": "prober"})]})
    posing = make_incoming("generic", fingerprint="f", title="t", state="firing", at=NOW, labels={"source": "prober"})
    assert choose_rule(alerts, posing) is None


def test_no_pattern_takes_long_on_any_text() -> None:
    """With backtracking this would take longer than the world has been there."""
    rule = AlertRule(name="r", matches={"text": "(a*)*b|(a|aa)+$|(.*)(.*)(.*)(.*)c"})
    alert = make_incoming("generic", fingerprint="f", title="t", state="firing", at=NOW, text="a" * 1999 + "!")
    assert choose_rule(SHIPPED.model_copy(update={"rules": [rule]}), alert) is None


def test_titles_are_filled_in_once() -> None:
    rule = AlertRule(name="r", title="{alertname} on {instance} ({source})")
    assert title_of(rule, make(alertname="{instance}", instance="web-1")) == "{instance} on web-1 (generic)"
    assert title_of(rule, make(alertname="Disk")) == "Disk on unknown (generic)"
    assert title_of(None, make("As sent")) == "As sent"


def test_groups_are_kept_apart_by_rule_and_labels() -> None:
    rule = AlertRule(name="r", group_by=["service", "env"])
    keys = {
        group_key(rule, make(service="a", env="b")), group_key(rule, make(service="b", env="a")),
        group_key(rule, make(env="b")), group_key(AlertRule(name="s", group_by=["service"]), make(service="a")),
        group_key(None, make("one")), group_key(None, make("two")),
    }  # fmt: skip
    assert len(keys) == 6


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_keys_of_groups_are_bounded(first: str, second: str) -> None:
    rule = AlertRule(name="r", group_by=["a", "b"])
    assert len(group_key(rule, make(a=first, b=second))) <= 200


def test_components_are_found_in_labels_in_whatever_spelling() -> None:
    rule = AlertRule(name="r", components=["database"], components_from=["service"])
    labels = [{"service": "Session Storage"}, {"service": "static-assets"}, {"service": "nobody's"}, {}]
    known = load_policy(None).components
    assert affected_components(rule, labels, known) == ["database", "static_assets", "session_storage"]
    assert affected_components(None, labels, known) == []


RULES = "    - name: other\n      group_by: [alertname]\n"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("group_within: 30 minutes", "group_within: 0 minutes", "greater than"),
        ("group_by: [application]", 'title: "{application title} fails"', "braces hold the name of one label"),
        ("(?i)database|", "(?i)(database|", "is not a regular expression"),
        ("(?i)database|", "(?=database)|", "is not a regular expression"),
        ("category: database\n      components: [d", "declare: true\n      components: [d", "needed where `declare`"),
        ("equals: {alertname: Watchdog}", "group_by: [alertname]", "those below it are never reached"),
        ("- name: heartbeat", "- name: database", 'two rules are named "database"'),
        ("category: application\n      components: [application]", "category: nothing\n      components: [application]",
         '"nothing" is not in `categories`'),
        ("components: [application]\n    - name: heartbeat", "components: [nothing]\n    - name: heartbeat",
         '"nothing" is not in `components`'),
        ("arn:aws:sns:us-east-1:123456789012:traitortrack-alarms", "traitortrack-alarms", "the ARN of an SNS topic"),
        ("generic: {secret_env: ALERTS_SECRET}", "generic: {secret_env: lower}", "environment variable"),
        ("ceiling: {at_most: 2,", "ceiling: {at_most: 0,", "greater than or equal to 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    found = list_problems(write_variation(tmp_path, (old, new)))
    assert any(reason in problem for problem in found), found


def test_rules_that_are_read() -> None:
    assert SHIPPED.rules[-1].takes_all
    assert SHIPPED.rule("database") is SHIPPED.rules[2]
    assert SHIPPED.rule("nothing") is None
