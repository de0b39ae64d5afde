"""The form that asks which incident a message belongs to."""

from __future__ import annotations

import uuid
from typing import Any

from bot.outcome import Refused
from bot.policy import Person
from bot.services import Services
from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.incident import PIN, pin_form
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, ts: str) -> Reply:
    choices = request.reading.list_open()
    if not choices:
        raise Refused("No incident is open.", "`/incident declare` opens one.")
    request.open_view(pin_form(choices, request.channel_id, ts))
    return Reply()


def start(services: Services, person: Person, channel_id: str, ts: str, incident_id: int) -> None:
    """Read the message and put it on the timeline, soon."""
    cause = f"pin-{uuid.uuid4()}"
    with services.database.write() as session:
        services.pinning.start(session, "asked", channel_id, ts, actor=person.key, cause=cause, incident_id=incident_id)


def submit(submission: Submission) -> dict[str, Any] | None:
    known, values = read_metadata(submission.view), read_values(submission.view)
    incident = submission.services.desk.visible_to(submission.person).find(int(values["incident"]))
    start(submission.services, submission.person, str(known["channel"]), str(known["ts"]), incident.id)
    return None


FORM = Form(PIN, submit, "incident")
