"""The form that declares an incident from alerts."""

from __future__ import annotations

from typing import Any

from bot.outcome import Refused
from bot.slack.views.alerts import DECLARE
from bot.slack.views.forms import read_metadata, read_values
from handlers.modals.form import Form, Submission


def submit(submission: Submission) -> dict[str, Any] | None:
    """Declare; of two people who press at once, the second learns that it is done."""
    services, values = submission.services, read_values(submission.view)
    group_id = int(read_metadata(submission.view)["group"])
    components = [key for key in values["components"].split("\n") if key in services.policy.components]
    try:
        services.desk.declare(
            actor=submission.person.key,
            severity=values["severity"],
            title=values["title"],
            category=values["category"],
            impact=values["impact"],
            detected_at=services.alerts.began_at(group_id),
            confirmed=True,
            claim=services.alerts.claim(group_id, components),
        )
    except Refused as refusal:
        return {"title": refusal.words}
    return None


FORM = Form(DECLARE, submit, "title")
