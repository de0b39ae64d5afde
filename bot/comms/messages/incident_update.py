"""An update, said in the incident's channel as it was written."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks import parts
from bot.slack.text import cut, literal
from bot.store.tables import Notice

KIND = "incident_update"


def compose(notice: Notice, subject: Subject) -> Message:
    text, actor = str(notice.data["text"]), str(notice.data["actor"])
    who = subject.name(actor)
    blocks = [parts.marked(f":mega: *Update* by {who}"), *(parts.words(piece) for piece in _pieces(text))]
    return Message(f"Update by {who}: {literal(cut(text, 1000))}", parts.pack(blocks))


def _pieces(text: str) -> list[str]:
    return [text[at : at + parts.SECTION_LIMIT] for at in range(0, len(text), parts.SECTION_LIMIT)]
