"""/incident members: who may know of a private incident."""

from __future__ import annotations

from bot.outcome import Refused
from bot.slack.text import literal
from handlers.commands.people import find_person
from handlers.commands.subcommand import Subcommand, split_first
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    word, name = split_first(request.text)
    members, actor = request.desk.members, request.person.key
    if not word:
        return _list(request, incident.id)
    if word.lower() not in ("add", "remove") or not name:
        raise Refused(f"{request.text[:60]!r} is neither add nor remove with a person.", "`/incident members add @mei`")
    person = find_person(request, name)
    if word.lower() == "add":
        members.add(incident.id, actor=actor, person=person.key)
        return Reply(f":lock: {literal(person.name)} is a member of #{incident.id} and is being invited.")
    members.remove(incident.id, actor=actor, person=person.key)
    return Reply(f":lock: {literal(person.name)} is no longer a member of #{incident.id}.")


def _list(request: Request, incident_id: int) -> Reply:
    people = [request.services.policy.person(key) for key in request.desk.members.of(incident_id)]
    names = ", ".join(literal(person.name) for person in people if person)
    if not names:
        return Reply(f"#{incident_id} is not private: everybody in the policy may know of it.")
    return Reply(f":lock: #{incident_id} is known to {names}.")


SUBCOMMAND = Subcommand("members", "members [add|remove @PERSON]", "who may know of a private one", handle)
