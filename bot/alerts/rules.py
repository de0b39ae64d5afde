"""From an alert to the rule of the policy that fits it, and what the rule makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from bot.alerts.alert import TITLE_LIMIT, Incoming, clean_line
from bot.policy import PLACEHOLDER, AlertRule, Alerts, compile_pattern

KEY_LIMIT = 200
UNKNOWN = "unknown"
UNRULED = ""
"""Name under which alerts are kept that no rule fits."""


def choose_rule(policy: Alerts, alert: Incoming) -> AlertRule | None:
    """The first rule that fits, or None."""
    facts = facts_of(alert)
    return next((rule for rule in policy.rules if fits(rule, facts)), None)


def facts_of(alert: Incoming) -> dict[str, str]:
    """What rules look at: labels, and what every alert has."""
    own = {"title": alert.title, "text": alert.text, "source": alert.source, "severity": alert.severity}
    return {**alert.labels, **own}


def fits(rule: AlertRule, facts: Mapping[str, str]) -> bool:
    """Whether everything that the rule asks for is so; a label that is missing is never right."""
    equal = all(facts.get(name) == value for name, value in rule.equals.items())
    return equal and all(
        name in facts and compile_pattern(pattern).search(facts[name]) is not None
        for name, pattern in rule.matches.items()
    )


def group_key(rule: AlertRule | None, alert: Incoming) -> str:
    """What alerts of one group have in common."""
    if rule is None:
        return _bounded(f"{UNRULED}:{alert.source}:{alert.title}")
    return _bounded(":".join([rule.name, *(alert.labels.get(name, "") for name in rule.group_by)]))


def title_of(rule: AlertRule | None, alert: Incoming) -> str:
    """The rule's title with what this alert says in the places of its labels."""
    if rule is None:
        return alert.title
    facts = facts_of(alert)
    filled = PLACEHOLDER.sub(lambda found: facts.get(found[1]) or UNKNOWN, rule.title)
    return clean_line(filled, TITLE_LIMIT) or alert.title


def affected_components(rule: AlertRule | None, labels: Iterable[Mapping[str, str]], known: Iterable[str]) -> list[str]:
    """Keys of components: those of the rule, and those that labels name in whatever spelling."""
    if rule is None:
        return []
    named = [each[name] for each in labels for name in rule.components_from if name in each]
    spelled = [name.strip().lower().replace("-", "_").replace(" ", "_") for name in named]
    wanted = set(rule.components) | set(spelled)
    return [key for key in known if key in wanted]


def _bounded(key: str) -> str:
    if len(key) <= KEY_LIMIT:
        return key
    return f"{key[:100]}:{hashlib.sha256(key.encode()).hexdigest()}"
