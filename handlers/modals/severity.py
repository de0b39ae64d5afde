"""The form that changes the severity."""

from __future__ import annotations

from typing import Any

from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.incident import SEVERITY, severity_form
from bot.store.tables import Incident
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, incident: Incident, severity: str) -> Reply:
    view = severity_form(request.services.policy, incident, severity)
    request.open_view(view)
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    incident_id, values = int(read_metadata(submission.view)["incident"]), read_values(submission.view)
    submission.services.desk.severities.change(
        incident_id, actor=submission.person.key, severity=values["severity"], reason=values["reason"]
    )
    return None


FORM = Form(SEVERITY, submit, "reason")
