"""The form that posts an update."""

from __future__ import annotations

from typing import Any

from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.incident import UPDATE, update_form
from bot.store.tables import Incident
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, incident: Incident) -> Reply:
    request.open_view(update_form(incident))
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    incident_id = int(read_metadata(submission.view)["incident"])
    text = read_values(submission.view)["text"]
    submission.services.desk.update(incident_id, actor=submission.person.key, text=text)
    return None


FORM = Form(UPDATE, submit, "text")
