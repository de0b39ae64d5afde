"""The home tab, made anew whenever somebody opens it."""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from slack_bolt import App

from bot.comms.messages.subject import name_person
from bot.services import Services
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.views.home import show_home
from bot.store.tables import Plan

log = logging.getLogger(__name__)


def register(app: App, services: Services) -> None:
    def opened(event: dict[str, Any]) -> None:
        if event.get("tab", "home") == "home":
            publish(services, str(event["user"]))

    app.event("app_home_opened")(opened)


def publish(services: Services, user_id: str) -> None:
    """Show the user what is open; the tab is a convenience, so Slack's trouble is only logged."""
    with services.database.read() as session:
        plans = list(session.scalars(sa.select(Plan).where(Plan.state == "pending").order_by(Plan.id)))
    view = show_home(
        services.policy.product, services.desk.list_open(), plans, lambda key: name_person(services.policy, key)
    )
    try:
        call(services.slack.views_publish, user_id=user_id, view=view)
    except (SlackRefusal, SlackUnavailable) as error:
        log.warning("the home tab of %s could not be shown: %s", user_id, error)
