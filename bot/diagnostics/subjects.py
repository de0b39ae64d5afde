"""Of what there are series: the applications, databases, tables and hosts of the policy, and their titles."""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnostics.metrics import KEPT, METRICS, Metric, series_name
from bot.incidents.text import known_word
from bot.outcome import Refused
from bot.policy import Policy

OF_TABLES = ("rows", "newest_row_age")
EXAMPLE = "`/dr chart connections 6h`"
SPANS_S = {"1h": 3600, "6h": 6 * 3600, "24h": 24 * 3600}
"""How much of the past may be asked for."""


def list_subjects(policy: Policy, metric: Metric) -> dict[str, str]:
    """By subject of a metric: what people call it."""
    if metric.of == "application":
        return {key: one.title for key, one in policy.applications.items()}
    if metric.of == "host":
        return {key: one.title for key, one in policy.hosts.items()}
    if metric.cloudwatch:
        return _list_at_aws(policy, metric)
    if metric.key not in OF_TABLES:
        return {name: one.title for name, one in policy.databases.items()}
    return {
        f"{name}.{table}": f"{one.title}, {table}"
        for name, one in policy.databases.items()
        for table in one.loss_tables
    }


def _list_at_aws(policy: Policy, metric: Metric) -> dict[str, str]:
    places = policy.infrastructure
    if metric.of == "instance":
        return {key: one.title for key, one in policy.hosts.items() if one.instance_id}
    if metric.of == "load_balancer":
        return {places.auto_scaling.group: f"in front of {places.auto_scaling.group}"}
    name = places.rds.read_replica if metric.of == "rds_replica" else places.rds.instance
    return {name: name}


def list_series(policy: Policy) -> Iterator[tuple[Metric, str]]:
    """Every metric that is kept, of every subject."""
    for metric in KEPT:
        for subject in list_subjects(policy, metric):
            yield metric, subject


def find_series(policy: Policy, words: str) -> list[tuple[Metric, str]]:
    """What a person means: a metric of everything that has it, or of one thing (`load:app_1`).

    Raises `Refused`, naming the nearest.
    """
    name, _, subject = words.strip().lower().partition(":")
    metric = METRICS[known_word("_".join(name.replace("-", " ").split()), tuple(METRICS), "a metric", EXAMPLE)]
    subjects = list_subjects(policy, metric)
    if not subjects:
        raise Refused(f"There is nothing in the policy that has {metric.figure}.", f"Example: {EXAMPLE}.")
    if subject:
        example = f"`/dr chart {series_name(metric.key, next(iter(subjects)))}`"
        return [(metric, known_word(subject.strip(), tuple(subjects), f"what {metric.title} is measured of", example))]
    return [(metric, one) for one in subjects]


def read_request(words: str) -> tuple[str, str]:
    """The metric and the span in what was asked for: `connections 6h`; an hour where none is said."""
    *name, last = words.split() or [""]
    if last.lower() in SPANS_S:
        return " ".join(name), last.lower()
    if name and last[:1].isdigit():
        raise Refused(f"{last[:20]!r} is not a span: {', '.join(SPANS_S)}.", f"Example: {EXAMPLE}.")
    return " ".join([*name, last]), next(iter(SPANS_S))
