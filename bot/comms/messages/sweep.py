"""A diagnosis: one message that fills in, with the likeliest cause and what changed since the look before."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.findings import show_sweep
from bot.slack.blocks.parts import pack
from bot.slack.text import literal
from bot.store.tables import Notice, Sweep
from bot.words import show_count

KIND = "sweep"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        sweep = session.get_one(Sweep, notice.subject_id)
    blocks = pack(show_sweep(sweep, subject.name(sweep.requested_by)))
    return Message(f"Diagnosis: {literal(sweep.scope)}, {show_count(len(sweep.findings), 'finding')}", blocks)
