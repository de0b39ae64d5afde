"""The form that makes alerts part of an open incident."""

from __future__ import annotations

from typing import Any

from bot.slack.views.alerts import ATTACH
from bot.slack.views.forms import read_metadata, read_values
from handlers.modals.form import Form, Submission


def submit(submission: Submission) -> dict[str, Any] | None:
    group_id = int(read_metadata(submission.view)["group"])
    incident_id = int(read_values(submission.view)["incident"])
    submission.services.alerts.attach(group_id, incident_id, submission.person)
    return None


FORM = Form(ATTACH, submit, "incident")
