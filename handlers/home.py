"""The home tab, made anew whenever somebody opens it, for whoever opens it."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt import App

from bot.comms.messages.subject import name_person
from bot.incidents.reading import Reading
from bot.outcome import Refused
from bot.services import Services
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.views.home import HomeFacts, show_home

READINESS = (("Last backup taken", "back_up_database"), ("Last restore proven", "restore_database"))
RECENT = 5
STRANGER = ""
"""Who is not in the policy sees nothing private."""

log = logging.getLogger(__name__)


def register(app: App, services: Services) -> None:
    def opened(event: dict[str, Any]) -> None:
        if event.get("tab", "home") == "home":
            publish(services, str(event["user"]))

    app.event("app_home_opened")(opened)


def publish(services: Services, user_id: str) -> None:
    """Show the user what concerns them; the tab is a convenience, so Slack's trouble is only logged."""
    view = show_home(services.policy.product, gather(services, user_id), lambda key: name_person(services.policy, key))
    try:
        call(services.slack.views_publish, user_id=user_id, view=view)
    except (SlackRefusal, SlackUnavailable) as error:
        log.warning("the home tab of %s could not be shown: %s", user_id, error)


def gather(services: Services, user_id: str) -> HomeFacts:
    """What this user may see. Who is not in the policy sees what is open, and nothing that is theirs to do."""
    try:
        person = services.directory.person(user_id)
    except Refused:
        return HomeFacts(Reading(services.database, STRANGER).list_open(), [], [], [])
    mine = services.approvals.list_waiting_for(person)
    waiting = services.approvals.list_waiting(person.key)
    return HomeFacts(
        incidents=services.desk.visible_to(person).list_open(),
        mine=mine,
        others=[plan for plan in waiting if plan.id not in {one.id for one in mine}],
        tasks=services.desk.tasks.list_for(person.key),
        readiness=[(title, services.runs.last_done(action)) for title, action in READINESS],
        lacking=[f"{channel}: {why}" for channel, why in services.lacking_channels.items()],
        postmortems=services.drafts.recent(RECENT, person.key),
    )
