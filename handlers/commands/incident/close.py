"""/incident close: tidies up what is resolved; a false alarm closes with a reason."""

from __future__ import annotations

from bot.policy.durations import format_duration
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    request.desk.closing.close(incident.id, actor=request.person.key, reason=request.text)
    after = format_duration(request.services.policy.slack.archive_after)
    return Reply(f":checkered_flag: #{incident.id} is closed. Its channel is archived after {after} of silence.")


SUBCOMMAND = Subcommand("close", "close [REASON]", "tidies up; a false alarm closes with a reason", handle)
