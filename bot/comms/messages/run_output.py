"""What the programs and servers of a run said, whole, as a file."""

from __future__ import annotations

import sqlalchemy as sa

from bot.comms.messages.subject import File, Message, Subject
from bot.store.tables import Notice, RunOutput

KIND = "run_output"


def compose(notice: Notice, subject: Subject) -> Message:
    number = notice.subject_id
    query = sa.select(RunOutput).where(RunOutput.run_id == number).order_by(RunOutput.id)
    with subject.database.read() as session:
        text = "\n".join(f"{piece.at:%H:%M:%S} {piece.step}: {piece.text}" for piece in session.scalars(query))
    last = notice.data.get("last")
    file = File(f"run-{number}-output-{last}.txt", f"Output of run {number}", text)
    return Message(
        f"What the programs and servers of run {number} said (times are UTC, secrets are taken out).", file=file
    )
