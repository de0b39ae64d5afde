"""What the public is to be told, in the incident's channel: to be looked at, changed and published, or not."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.bulletin import show_draft
from bot.slack.blocks.parts import pack
from bot.store.tables import Bulletin, Notice

KIND = "bulletin_draft"
STATES = {"draft": "a draft waits to be published", "published": "published", "discarded": "not published"}


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        bulletin = session.get_one(Bulletin, notice.subject_id)
    policy = subject.policy
    whom = [policy.audiences[key].title for key in bulletin.audiences if key in policy.audiences]
    publishers = [policy.roles[role].title for role in policy.updates.publishers]
    decided_by = policy.person(bulletin.decided_by or "")
    blocks = show_draft(
        bulletin, whom=whom, publishers=publishers, decided_by=subject.name(decided_by.key) if decided_by else ""
    )
    return Message(f"For {', '.join(whom)}: {STATES[bulletin.state]}", pack(blocks))
