"""The form that puts an update off."""

from __future__ import annotations

from typing import Any

from bot.slack.blocks import parts
from bot.slack.text import strong
from bot.slack.views.forms import choice, modal, text_input
from bot.store.tables import Incident

SNOOZE = "update.snooze"
LENGTHS = ("15 minutes", "30 minutes", "1 hour", "2 hours", "4 hours", "8 hours", "24 hours")


def snooze_form(incident: Incident, lengths: list[str]) -> dict[str, Any]:
    return modal(
        SNOOZE,
        f"Put off #{incident.id}",
        [
            parts.marked(f"The next update of {strong(incident.title)} is reminded of later. Nobody is told less."),
            choice("lasting", "For how long, from now?", [(length, length) for length in lengths], initial=lengths[0]),
            text_input("reason", "Why?", max_length=300, hint="It goes on the timeline, with your name."),
        ],
        submit="Put off",
        metadata={"incident": incident.id},
    )
