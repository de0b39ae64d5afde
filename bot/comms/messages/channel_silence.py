"""A channel has not worked for some minutes, or works again."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks import parts
from bot.slack.blocks.parts import pack
from bot.slack.text import literal
from bot.store.tables import Notice

KIND = "channel_silence"


def compose(notice: Notice, subject: Subject) -> Message:
    sign = "white_check_mark" if notice.data.get("over") else "warning"
    summary, details = literal(str(notice.data["summary"])), str(notice.data["details"])
    return Message(f":{sign}: {summary}", pack([parts.marked(f":{sign}: *{summary}*"), parts.words(details)]))
