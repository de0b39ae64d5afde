"""What the plan of a change of code says: what each host has, which commits go and come, the order, the way back."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from bot.recovery.action import Facts, World
from bot.systems.hosts.opening import OpenHost
from bot.words import cut, show_duration

SHOWN_COMMITS = 6
LINE = 110


def describe_later(action: str, application: str, observed: Facts) -> str:
    """How a host that was left out gets it when it is back."""
    if observed["revision"]:
        return f"`/dr plan deploy_code {application} revision={observed['revision']}`"
    return f"`/dr plan {action} {application}` with the same parameters"


def list_notes(world: World, hosts: list[OpenHost], due: list[OpenHost], observed: Facts) -> list[str]:
    running, since = observed["running"], observed["since"]
    assert isinstance(running, dict)
    assert isinstance(since, dict)
    notes = [
        f"{host.host.title} has {running[host.key] or 'no release'}{describe_age(since[host.key], world.now())}."
        for host in hosts
    ]
    notes += [*describe_commits("Goes", observed["going"]), *describe_commits("Comes", observed["coming"])]
    if observed["going"] is None and observed["coming"] is None:
        notes.append("Which commits go and come is not known: what runs is not in the repository.")
    notes += [str(observed[key]) for key in ("note", "schema_note") if observed.get(key)]
    unseen = observed["unseen"]
    if isinstance(unseen, list) and unseen:
        folder = hosts[0].application.install_folder
        notes.append(
            f"On {', '.join(map(str, unseen))} nothing works in {folder}/current: let the service start there."
        )
    return [
        *notes,
        f"One after another, ill ones first, each healthy before the next: {', '.join(one.host.title for one in due)}.",
    ]


def describe_commits(word: str, found: JsonValue) -> list[str]:
    """Counted, the newest by name; what people wrote is made one plain line."""
    if not isinstance(found, dict) or not found["count"]:
        return []
    newest = found["newest"]
    assert isinstance(newest, list)
    lines = [
        plain_line(f"{word}: {one['commit']} {one['subject']} ({one['author']}, {str(one['at'])[:10]})")
        for one in newest[:SHOWN_COMMITS]
        if isinstance(one, dict)
    ]
    more = int(str(found["count"])) - len(lines)
    return [*lines, f"{word}: {more} commits more."] if more > 0 else lines


def plain_line(text: str) -> str:
    """Without line ends, control and direction characters."""
    return cut("".join(sign if sign.isprintable() else " " for sign in text), LINE)


def describe_age(since: JsonValue, now: datetime) -> str:
    if not isinstance(since, str):
        return ", as it was put there before there were releases"
    age_s = max(0.0, (now - datetime.fromisoformat(since)).total_seconds())
    return f", for {show_duration(age_s)}"


def describe_way_back(observed: Facts) -> str:
    before = name_before(observed)
    if before is None:
        return (
            "What each host worked in stays there, but is no one release that `/dr undo` could name: going back is a "
            "plan of its own, `roll_back_code`."
        )
    return f"{before} stays on every host: `/dr undo` switches back to it and restarts, without Git."


def name_before(observed: Facts) -> str | None:
    """What all hosts had; None where they had different ones, none, or this very one and did not work in it."""
    running = observed["running"]
    names = {str(name) for name in running.values() if name} if isinstance(running, dict) else set()
    return names.pop() if len(names) == 1 and observed["name"] not in names else None
