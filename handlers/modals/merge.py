"""The form that confirms that two incidents are one."""

from __future__ import annotations

from typing import Any

from bot.slack.views.forms import read_metadata
from bot.slack.views.incident import MERGE, merge_form
from bot.store.tables import Incident
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, incident: Incident, into: int) -> Reply:
    duplicate, target = request.desk.merging.check(incident.id, into, actor=request.person.key)
    request.open_view(merge_form(duplicate, target))
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    known = read_metadata(submission.view)
    submission.services.desk.merging.merge(int(known["incident"]), actor=submission.person.key, into=int(known["into"]))
    return None


FORM = Form(MERGE, submit, "merge")
