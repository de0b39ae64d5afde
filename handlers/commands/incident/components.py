"""/incident components: what is affected; what depends on it is shown."""

from __future__ import annotations

from bot.incidents.details import Wanted, list_dependents, name_components
from bot.slack.text import literal
from handlers.commands.subcommand import Subcommand
from handlers.modals import details as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        return modal.open_modal(request, incident)
    named = [] if request.text.lower() == "none" else request.text.split(",")
    changed = request.desk.details.change(incident.id, actor=request.person.key, wanted=Wanted(components=named))
    policy = request.services.policy
    affected = name_components(policy, changed.components) or "nothing"
    dependents = name_components(policy, list_dependents(policy, changed.components))
    further = f" What depends on that: {literal(dependents)}." if dependents else ""
    return Reply(f":gear: #{changed.id} affects {literal(affected)}.{further}")


SUBCOMMAND = Subcommand("components", "components database, application", "says what is affected", handle)
