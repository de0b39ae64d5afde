"""The form that publishes a draft, by whoever submits it."""

from __future__ import annotations

from typing import Any

from bot.comms.reach import list_reach
from bot.comms.wording import STATES, Wording
from bot.outcome import Refused
from bot.slack.client import call
from bot.slack.views.bulletin import COMPONENT, PUBLISH, publish_form
from bot.slack.views.forms import read_metadata, read_values
from bot.store.tables import Bulletin
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request

FIELDS = ("title", "text", "impact", "next_steps", "estimated_recovery")


def open_modal(request: Request, bulletin: Bulletin) -> Reply:
    """Everybody may look; who may not publish is told so now, not after typing."""
    services = request.services
    reach = list_reach(services.bulletins.audiences, services.lacking_channels, bulletin)
    view = publish_form(
        bulletin,
        reach=[one.words for one in reach],
        titles={key: one.title for key, one in services.policy.components.items()},
        states=STATES,
        refusal=_find_refusal(request),
    )
    call(services.slack.views_open, trigger_id=request.trigger_id, view=view)
    return Reply()


def _find_refusal(request: Request) -> str:
    try:
        request.services.bulletins.require_publisher(request.person)
    except Refused as refusal:
        return refusal.reason
    return ""


def submit(submission: Submission) -> dict[str, Any] | None:
    values = read_values(submission.view)
    components = {name.removeprefix(COMPONENT): one for name, one in values.items() if name.startswith(COMPONENT)}
    wording = Wording(**{name: values[name] for name in FIELDS if name in values}, components=components or None)
    bulletin_id = int(read_metadata(submission.view)["bulletin"])
    submission.services.bulletins.publish(bulletin_id, person=submission.person, wording=wording)
    return None


FORM = Form(PUBLISH, submit, "text")
