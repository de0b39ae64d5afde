"""The few shapes from which every Block Kit rule is built.

A rule looks at a value at a JSON pointer and adds what is wrong with it to a report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """What was found wrong, as sentences of the kind that Slack answers with."""

    problems: list[str] = field(default_factory=list)

    def add(self, message: str, pointer: str) -> None:
        """One more problem, at a JSON pointer such as `/blocks/0/text`."""
        self.problems.append(f"{message} [json-pointer:{pointer}]")


Rule = Callable[[Any, str, Report], None]


def string(low: int = 0, high: int | None = None) -> Rule:
    """A string of `low` to `high` characters."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add("must be a string", pointer)
        elif len(value) < low:
            report.add(f"must be more than {low - 1} characters", pointer)
        elif high is not None and len(value) > high:
            report.add(f"must be less than {high + 1} characters", pointer)

    return check


def matching(pattern: str, what: str) -> Rule:
    """A string of a form, for example a date; `what` names it."""
    compiled = re.compile(pattern)

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            report.add(f"must be a valid {what}", pointer)

    return check


def integer(low: int | None = None, high: int | None = None) -> Rule:
    """A whole number within bounds, both included."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add("must be an integer", pointer)
        elif low is not None and value < low:
            report.add(f"must be at least {low}", pointer)
        elif high is not None and value > high:
            report.add(f"must be at most {high}", pointer)

    return check


def boolean(value: Any, pointer: str, report: Report) -> None:
    """True or false."""
    if not isinstance(value, bool):
        report.add("must be a boolean", pointer)


def one_of(*allowed: str) -> Rule:
    """One of a few words."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if value not in allowed:
            report.add("must be a valid enum value", pointer)

    return check


def array(item: Rule, low: int = 0, high: int | None = None) -> Rule:
    """A list of `low` to `high` items, each by its rule."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add("must be an array", pointer)
            return
        if len(value) < low:
            report.add(f"no fewer than {low} items allowed", pointer)
        if high is not None and len(value) > high:
            report.add(f"no more than {high} items allowed", pointer)
        for index, entry in enumerate(value):
            item(entry, f"{pointer}/{index}", report)

    return check


def record(required: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None, *also: Rule) -> Rule:
    """An object with these fields and no others; `also` looks at the whole of it when its fields are right."""
    known = {"type": anything, **required, **(optional or {})}

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add("must be an object", pointer)
            return
        before = len(report.problems)
        for name in required:
            if value.get(name) is None:
                report.add(f"missing required field: {name}", pointer)
        _check_fields(value, known, pointer, report)
        if len(report.problems) == before:
            for look in also:
                look(value, pointer, report)

    return check


def _check_fields(value: dict[str, Any], known: Mapping[str, Rule], pointer: str, report: Report) -> None:
    for name, entry in value.items():
        if name not in known:
            report.add(f"invalid additional property: {name}", pointer)
        elif entry is not None:
            known[name](entry, f"{pointer}/{name}", report)


def anything(value: Any, pointer: str, report: Report) -> None:
    """No rule."""


def tagged(kinds: Mapping[str, Rule], allowed: Sequence[str] | None = None) -> Rule:
    """An object whose `type` chooses its rule, among `allowed` ones where given."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add("must be an object", pointer)
            return
        kind = value.get("type")
        if kind is None:
            report.add("missing required field: type", pointer)
        elif not isinstance(kind, str) or kind not in kinds or (allowed is not None and kind not in allowed):
            report.add(f"unsupported type: {kind}", f"{pointer}/type")
        else:
            kinds[kind](value, pointer, report)

    return check
