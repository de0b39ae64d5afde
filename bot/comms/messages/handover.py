"""An approval went into other hands, or came back."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.parts import marked, pack, words
from bot.slack.text import show_time
from bot.store.tables import Handover, Notice

KIND = "handover"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        handover = session.get_one(Handover, notice.subject_id)
    giver, holder = subject.name(handover.giver), subject.name(handover.holder)
    if notice.key.endswith(":ended"):
        text = f":leftwards_arrow_with_hook: The approval of {giver} is not with {holder} any more."
        return Message(text, pack([marked(text)]))
    text = f":handshake: {holder} may approve plans for {giver} until {show_time(handover.until)}."
    reason = [words(handover.reason)] if handover.reason else []
    return Message(text, pack([marked(text), *reason]))
