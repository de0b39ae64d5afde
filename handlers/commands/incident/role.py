"""/incident role: take a role of this incident, give it to somebody, or give it up."""

from __future__ import annotations

from bot.incidents.roles import known_role
from bot.slack.text import literal
from handlers.commands.people import find_person
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request

NOBODY = ("none", "nobody", "off")


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    role, whom = _split(request.text)
    key = known_role(request.services.policy, role)
    title = literal(request.services.policy.roles[key].title)
    roles, actor = request.desk.roles, request.person.key
    if whom in NOBODY:
        roles.give_up(incident.id, actor=actor, role=key)
        return Reply(f":bust_in_silhouette: Nobody is *{title}* of #{incident.id} now.")
    holder = find_person(request, whom) if whom else request.person
    roles.assign(incident.id, actor=actor, role=key, person=holder.key)
    who = "You are" if holder == request.person else f"{literal(holder.name)} is"
    return Reply(f":bust_in_silhouette: {who} *{title}* of #{incident.id}; what that means comes by direct message.")


def _split(text: str) -> tuple[str, str]:
    """The role, and whom it is for; the name of a role may have several words."""
    role, at, name = text.partition("@")
    if at:
        return role.strip(), f"@{name.strip()}"
    *words, last = text.split() or [""]
    return (" ".join(words), last.lower()) if last.lower() in NOBODY else (text, "")


SUBCOMMAND = Subcommand("role", "role ROLE [@PERSON|none]", "takes, gives or gives up a role", handle)
