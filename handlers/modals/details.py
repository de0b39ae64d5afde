"""The form that puts right everything that is known of an incident."""

from __future__ import annotations

from typing import Any

from bot.incidents.details import Wanted
from bot.outcome import Refused
from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.incident import DETAILS, details_form, fingerprint
from bot.store.tables import Incident
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, incident: Incident) -> Reply:
    view = details_form(request.services.policy, incident)
    request.open_view(view)
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    """Only what was changed in the form is changed: the rest may have been changed by others meanwhile."""
    known, values = read_metadata(submission.view), read_values(submission.view)
    desk, incident_id, actor = submission.services.desk, int(known["incident"]), submission.person.key
    url, title = values.pop("link", ""), values.pop("link_title", "")
    if url:
        try:
            desk.links.add(incident_id, actor=actor, url=url, title=title)
        except Refused as refusal:
            return {"link": refusal.words}
    new = fingerprint(values)
    changed = {name: value for name, value in values.items() if new[name] != known["seen"].get(name)}
    if changed:
        desk.details.change(incident_id, actor=actor, wanted=_want(changed))
    return None


def _want(changed: dict[str, str]) -> Wanted:
    components = changed["components"].splitlines() if "components" in changed else None
    return Wanted(
        title=changed.get("title"),
        impact=changed.get("impact"),
        next_steps=changed.get("next_steps"),
        estimated_recovery=changed.get("estimated_recovery"),
        components=components,
    )


FORM = Form(DETAILS, submit, "title")
