"""The form that declares an incident."""

from __future__ import annotations

from typing import Any

from bot.incidents.desk import SameAgain
from bot.outcome import Refused
from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.incident import DECLARE, Prefill, declare_form
from bot.store.tables import Incident
from handlers.modals import pin
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, known: Prefill) -> Reply:
    view = declare_form(request.services.policy, known, request.channel_id)
    request.open_view(view)
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    """Declare; what is wrong is shown beneath its field, and nothing that was typed is lost."""
    values = read_values(submission.view)
    try:
        incident = submission.services.desk.declare(
            actor=submission.person.key,
            severity=values["severity"],
            title=values["title"],
            category=values["category"],
            impact=values["impact"],
            components=values.get("components", "").splitlines(),
            private=True if values.get("private") else None,
        )
    except SameAgain as twin:
        return {"title": f"{twin.reason} Change a word if a second one is meant."}
    except Refused as refusal:
        return {"title": refusal.words}
    _take_over(submission, incident, read_metadata(submission.view).get("origin") or {})
    return None


def _take_over(submission: Submission, incident: Incident, origin: dict[str, Any]) -> None:
    """The message that it was declared from goes on its timeline."""
    if "ts" in origin:
        pin.start(submission.services, submission.person, str(origin["channel"]), str(origin["ts"]), incident.id)


FORM = Form(DECLARE, submit, "title")
