"""The form that puts an update off."""

from __future__ import annotations

from typing import Any

from bot.outcome import Refused
from bot.policy import parse_duration
from bot.slack.client import call
from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.update import LENGTHS, SNOOZE, snooze_form
from bot.store.tables import Incident
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, incident: Incident) -> Reply:
    longest = request.services.policy.updates.longest_snooze
    lengths = [length for length in LENGTHS if parse_duration(length) <= longest]
    if not lengths:
        raise Refused("The policy lets updates be put off for minutes only.", "Example: `/incident snooze 5m REASON`.")
    call(request.services.slack.views_open, trigger_id=request.trigger_id, view=snooze_form(incident, lengths))
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    incident_id, values = int(read_metadata(submission.view)["incident"]), read_values(submission.view)
    lasting = parse_duration(values["lasting"])
    submission.services.updates.snooze(incident_id, submission.person, lasting, values["reason"])
    return None


FORM = Form(SNOOZE, submit, "reason")
