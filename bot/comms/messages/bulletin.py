"""A bulletin in a Slack channel of those who are told there, in the fields of the document's Notification Template."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.bulletin import show_bulletin, title_of
from bot.slack.blocks.parts import pack
from bot.slack.text import literal
from bot.store.tables import Bulletin, Notice

KIND = "bulletin"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        bulletin = session.get_one(Bulletin, notice.subject_id)
    names = {key: part.title for key, part in subject.policy.components.items()}
    product = subject.policy.product
    return Message(literal(title_of(bulletin, product)), pack(show_bulletin(bulletin, product, names)))
