"""/incident task: something to do, with owner and due time; with a number first, a change of that task."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import cached_property

from bot.clock import utc_now
from bot.incidents.due import EXAMPLES, read_due, split_due
from bot.outcome import Refused
from bot.policy import Person
from bot.slack.text import literal, show_time
from bot.store.tables import Task
from handlers.commands.people import find_person
from handlers.commands.subcommand import Subcommand, split_first
from handlers.request import Reply, Request


class Zone:
    """The zone in which the asker's times are meant, looked up only where one was given."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @cached_property
    def own(self) -> tzinfo | None:
        return self.request.services.directory.zone(self.request.user_id)

    @property
    def zone(self) -> tzinfo:
        return self.own or self.request.services.policy.zone

    def describe(self) -> str:
        return f"{self.zone}, {'your zone' if self.own else 'the zone of the policy'}"


def handle(request: Request) -> Reply:
    number, rest = split_first(request.text)
    if number.removeprefix("#").isdecimal() and number.isascii() and rest:
        changed = _change(request, int(number.removeprefix("#")), rest)
        if changed:
            return changed
    return _add(request)


def _add(request: Request) -> Reply:
    incident, zone = request.need_incident(), Zone(request)
    words, owner = _take_owner(request)
    title, due_at = _split(words, zone)
    task = request.desk.tasks.add(
        incident.id, actor=request.person.key, title=title, owner=owner.key if owner else None, due_at=due_at
    )
    whose = f"for {literal(owner.name)}" if owner else "nobody's yet"
    due = _describe_due(task, zone) or ", no due time"  # said, since words that are no time stay in the title
    return Reply(f":ballot_box_with_check: Task {task.id}, {whose}{due}: {literal(task.title)}")


def _change(request: Request, number: int, what: str) -> Reply | None:
    """None where the words are no change: then they are a task that begins with a number."""
    tasks, actor, zone = request.desk.tasks, request.person.key, Zone(request)
    word = what.strip().lower()
    if word == "done":
        return Reply(f":white_check_mark: Done: {literal(tasks.finish(number, actor=actor).title)}")
    if word == "drop":
        return Reply(f":wastebasket: Dropped: {literal(tasks.drop(number, actor=actor).title)}")
    if word == "take" or (word.startswith("@") and " " not in word):
        owner = request.person if word == "take" else find_person(request, what.strip())
        task = tasks.assign(number, actor=actor, owner=owner.key)
        return Reply(f":bust_in_silhouette: {literal(owner.name)} does it: {literal(task.title)}")
    if word.split()[0] in ("by", "due", "in"):
        due_at = read_due(what, utc_now(), zone.zone)
        if due_at is None:
            raise Refused(f"{what[:60]!r} is no time.", f"Examples: {EXAMPLES}.")
        task = tasks.set_due(number, actor=actor, due_at=due_at)
        return Reply(f":alarm_clock: Task {number}{_describe_due(task, zone)}: {literal(task.title)}")
    return None


def _take_owner(request: Request) -> tuple[str, Person | None]:
    """The first person mentioned is the owner; the words without them. Raises `Refused` for a stranger."""
    words = request.text.split()
    named = next((word for word in words if word.startswith("@") and len(word) > 1), "")
    if not named:
        return request.text, None
    words.remove(named)
    return " ".join(words), find_person(request, named.rstrip(",.:"))


def _split(words: str, zone: Zone) -> tuple[str, datetime | None]:
    """Slack is asked for the zone only where the words end with a time at all."""
    now = utc_now()
    if split_due(words, now, zone.request.services.policy.zone)[1] is None:
        return words, None
    return split_due(words, now, zone.zone)


def _describe_due(task: Task, zone: Zone) -> str:
    return f", due {show_time(task.due_at)} ({zone.describe()})" if task.due_at else ""


SUBCOMMAND = Subcommand("task", "task TEXT [@OWNER] [by 14:30]", "adds a task; `task 7 done` ends it", handle)
