"""The form that mutes alerts for a while."""

from __future__ import annotations

from typing import Any

from bot.policy import parse_duration
from bot.slack.views.alerts import MUTE
from bot.slack.views.forms import read_metadata, read_values
from handlers.modals.form import Form, Submission


def submit(submission: Submission) -> dict[str, Any] | None:
    group_id = int(read_metadata(submission.view)["group"])
    how_long = parse_duration(read_values(submission.view)["time"])
    submission.services.alerts.mute(group_id, submission.person, how_long)
    return None


FORM = Form(MUTE, submit, "time")
