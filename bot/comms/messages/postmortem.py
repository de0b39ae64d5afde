"""The post-mortem draft, as a file in the incident's channel."""

from __future__ import annotations

from bot.comms.messages.subject import File, Message, Subject
from bot.store.tables import Notice, Postmortem

KIND = "postmortem"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        draft = session.get_one(Postmortem, notice.subject_id)
    name = f"postmortem-incident-{draft.incident_id}-draft-{draft.id}.md"
    file = File(name, f"Post-mortem draft of incident #{draft.incident_id}", draft.markdown)
    return Message("The post-mortem draft, written from the ledger. Questions mark what only people know.", file=file)
